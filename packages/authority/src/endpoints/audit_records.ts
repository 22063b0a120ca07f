import { base64url } from '@credence/protocol'
import { z } from 'zod'
import { type PlacedRecord, readRecords } from '../audit/index.ts'
import { answer } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { inQuery } from './schemas.ts'

const filter = (of: string) => z.string().min(1).max(256).optional().describe(of)

const recordSchema = z.object({
  position: z.number(),
  id: z.string(),
  leaf: z.record(z.string(), z.unknown()),
  leaf_bytes: z.string().describe('The exact bytes of the leaf, base64url: what is hashed.'),
  leaf_hash: z.string().describe('RFC 6962 leaf hash, base64url.'),
  values: z
    .record(z.string(), z.object({ value: z.unknown(), salt: z.string() }))
    .describe('What the commitments in the leaf commit to, where it has not been erased.'),
})

export const listAuditRecordsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/audit/records',
  door: 'administrator',
  summary: 'Audit records in the order of the log',
  tag: 'Audit',
  query: z.strictObject({
    after: inQuery(z.number().int().min(-1).default(-1)).describe('Records with a higher position; -1 for all.'),
    limit: inQuery(z.number().int().min(1).max(500).default(100)),
    agent: filter('An agent as actor or subject, by its id.'),
    principal: filter('On whose behalf.'),
    type: filter('A leaf type, as `token.issued`.'),
    task: filter('A task.'),
    delegation: filter('The id of a delegation, or the hash of its statement.'),
  }),
  answers: {
    200: {
      description: 'Records; `next_after` is there unless the end of the log was reached.',
      schema: z.object({ records: z.array(recordSchema), next_after: z.number().optional() }),
    },
  },
  async handle(services, { organization, query }) {
    const { after, limit, ...filter } = query
    const { records, next } = await readRecords(services, organization, { after, limit, filter })
    return answer({ records: records.map(served), ...(next !== undefined && { next_after: next }) })
  },
})

function served({ position, leaf, leafBytes, leafHash, values }: PlacedRecord): z.output<typeof recordSchema> {
  return {
    position,
    id: leaf.id,
    leaf,
    leaf_bytes: base64url.encode(leafBytes),
    leaf_hash: base64url.encode(leafHash),
    values: Object.fromEntries(values.map(({ name, value, salt }) => [name, { value, salt: base64url.encode(salt) }])),
  }
}
