import { signLogHead } from '@credence/protocol'
import { z } from 'zod'
import { readHead } from '../audit/index.ts'
import { answer } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { activeKey } from '../tokens/index.ts'

export const readAuditHeadEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/audit/head',
  door: 'administrator',
  summary: 'The signed head of the audit log',
  tag: 'Audit',
  answers: {
    200: {
      description: 'Size and root of the log, with all that was durable before this call in it.',
      schema: z.object({
        size: z.number(),
        root: z.string().describe('RFC 6962 root over all leaves, base64url.'),
        at_ms: z.number(),
        signed: z.string().describe('The same, signed by the organization: a JWS of typ `log-head+jwt`.'),
      }),
    },
  },
  async handle(services, { organization }) {
    const head = await readHead(services, organization)
    const signed = await signLogHead(await activeKey(services, organization), head)
    return answer({ size: head.size, root: head.root, at_ms: head.at_ms, signed })
  },
})
