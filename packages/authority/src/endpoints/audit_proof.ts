import { base64url, signLogHead } from '@credence/protocol'
import { z } from 'zod'
import { proveRecord } from '../audit/index.ts'
import { answer } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { activeKey } from '../tokens/index.ts'
import { id } from './schemas.ts'

export const proveAuditRecordEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/audit/records/{id}/proof',
  door: 'administrator',
  summary: 'Proof that a record is in the audit log',
  tag: 'Audit',
  params: z.strictObject({ id: id('aud') }),
  answers: {
    200: {
      description: 'An RFC 9162 inclusion proof against the signed head beside it.',
      schema: z.object({
        position: z.number(),
        leaf_hash: z.string(),
        size: z.number(),
        proof: z.array(z.string()).describe('The siblings from the leaf up, base64url.'),
        signed: z.string().describe('The signed head: a JWS of typ `log-head+jwt`.'),
      }),
    },
    404: { description: 'There is no such record.' },
  },
  async handle(services, { organization, params }) {
    const { position, leafHash, proof, head } = await proveRecord(services, organization, params.id)
    const signed = await signLogHead(await activeKey(services, organization), head)
    return answer({
      position,
      leaf_hash: base64url.encode(leafHash),
      size: head.size,
      proof: proof.map((sibling) => base64url.encode(sibling)),
      signed,
    })
  },
})
