import { z } from 'zod'
import {
  type Administrator,
  addAdministrator,
  endAdministrator,
  endWithAttestations,
  listAdministrators,
} from '../administrators/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { page, paging } from './page.ts'
import { answerEndedHere, answerRevoked, endingQuery, revokedSchema } from './revocation_answer.ts'
import { id, listed, shortText } from './schemas.ts'

const tag = 'Administrators'

const administratorView = z.object({
  id: z.string(),
  name: z.string(),
  created_at_ms: z.number(),
  ended_at_ms: z.number().optional(),
})

export const addAdministratorEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/administrators',
  door: 'administrator',
  summary: 'Add an administrator of this organization',
  tag,
  body: z.strictObject({ name: shortText }),
  answers: {
    201: {
      description: 'The administrator; the secret is shown this once.',
      schema: administratorView.extend({ secret: z.string() }),
    },
  },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const wanted = { name: body.name, by: actorOf(call), traceId }
    const { administrator, secret } = await addAdministrator(services, organization, wanted)
    return answer({ ...viewOf(administrator), secret }, { status: 201 })
  },
})

export const listAdministratorsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/administrators',
  door: 'administrator',
  summary: 'List the administrators of this organization',
  tag,
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page of administrators.', schema: listed(administratorView) } },
  async handle(services, call) {
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listAdministrators(services, call.organization.id, { after, limit }),
      placeOf: (administrator) => administrator.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const endAdministratorEndpoint: Endpoint = endpoint({
  method: 'delete',
  path: '/v1/administrators/{id}',
  door: 'administrator',
  room: 'revocation',
  summary: 'End an administrator; nobody can end itself',
  tag,
  params: z.strictObject({ id: id('adm') }),
  query: endingQuery.extend({
    attestations: z
      .enum(['keep', 'end'])
      .default('keep')
      .describe(
        'What becomes of the delegations that the authority stated on its word. `end` also later, once it has ended.',
      ),
  }),
  answers: {
    200: {
      description:
        'Its secret is worth nothing from now on; the three moments of what it attested, when that ends too.',
      schema: revokedSchema,
    },
  },
  async handle(services, call) {
    const { organization, params, query, traceId } = call
    const end = { id: params.id, by: actorOf(call), traceId }
    if (query.attestations === 'end') {
      const revoked = await endWithAttestations(services, organization, { ...end, cause: query.cause })
      return answerRevoked(services, call, revoked, query.wait_ms)
    }
    await endAdministrator(services, organization, end)
    return answerEndedHere(services, { id: params.id, cause: query.cause })
  },
})

function viewOf({ id, name, createdAtMs, endedAtMs }: Administrator): z.output<typeof administratorView> {
  return { id, name, created_at_ms: createdAtMs, ...(endedAtMs !== undefined && { ended_at_ms: endedAtMs }) }
}
