import { algorithms, refuse } from '@credence/protocol'
import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import {
  createOrganization,
  findOrganization,
  type ListedOrganization,
  listOrganizations,
  resumeOrganization,
  suspendOrganization,
} from '../organizations/index.ts'
import type { Services } from '../services.ts'
import { page, paging } from './page.ts'
import { answerRevoked, cause, revokedSchema, waitMs } from './revocation_answer.ts'
import { handle, id, listed, shortText } from './schemas.ts'

const tag = 'Organizations'
const algorithm = z.enum(algorithms)

const organizationView = z.object({
  id: z.string(),
  handle: z.string(),
  display_name: z.string(),
  issuer: z.string(),
  trust_domain: z.string(),
  signing_algorithm: algorithm,
  created_at_ms: z.number(),
  suspended_at_ms: z.number().optional().describe('Since when the installation holds it stopped.'),
})

const params = z.strictObject({ id: id('org') })

export const createOrganizationEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/organizations',
  at: 'origin',
  door: 'installation',
  summary: 'Make an organization, with its first administrator and signing key',
  tag,
  body: z.strictObject({
    handle: handle.describe('Its name in its issuer and trust domain: chosen once, never given again.'),
    display_name: shortText.optional(),
    signing_algorithm: algorithm.optional(),
  }),
  answers: {
    201: {
      description: "The organization; its administrator's secret is shown this once.",
      schema: organizationView.extend({ administrator: z.object({ id: z.string(), secret: z.string() }) }),
    },
  },
  async handle(services, call) {
    const { body, traceId } = call
    const { organization, administratorId, administratorSecret } = await createOrganization(services, {
      handle: body.handle,
      displayName: body.display_name ?? body.handle,
      signingAlgorithm: body.signing_algorithm,
      by: actorOf(call),
      traceId,
    })
    const administrator = { id: administratorId, secret: administratorSecret }
    return answer({ ...viewOf(organization), administrator }, { status: 201 })
  },
})

export const listOrganizationsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/organizations',
  at: 'origin',
  door: 'installation',
  summary: 'List organizations',
  tag,
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page of organizations.', schema: listed(organizationView) } },
  async handle(services, call) {
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listOrganizations(services, { after, limit }),
      placeOf: (organization) => organization.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const suspendOrganizationEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/organizations/{id}/suspend',
  at: 'origin',
  door: 'installation',
  room: 'revocation',
  summary: 'Stop an organization whole, until the installation resumes it',
  tag,
  params,
  body: z.strictObject({ cause: cause.default('suspended'), wait_ms: waitMs }),
  answers: {
    200: { description: 'It is stopped; the three moments.', schema: revokedSchema },
    404: { description: 'There is no such organization.' },
    409: { description: 'The installation has stopped it already.' },
  },
  async handle(services, call) {
    const { params, body, caller, traceId } = call
    const organization = await requireOrganization(services, params.id)
    const stop = { by: actorOf(call), cause: body.cause, traceId }
    const revoked = await suspendOrganization(services, organization, stop)
    return answerRevoked(services, { organization, caller, leave: () => call.leave() }, revoked, body.wait_ms)
  },
})

export const resumeOrganizationEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/organizations/{id}/resume',
  at: 'origin',
  door: 'installation',
  summary: 'Let an organization that the installation stopped work again; what it held before stays dead',
  tag,
  params,
  answers: {
    200: { description: 'The organization as it is now.', schema: organizationView },
    404: { description: 'There is no such organization.' },
    409: { description: 'The installation has not stopped it.' },
  },
  async handle(services, call) {
    const { params, traceId } = call
    const organization = await requireOrganization(services, params.id)
    await resumeOrganization(services, organization, { by: actorOf(call), traceId })
    return answer(viewOf(await requireOrganization(services, params.id)))
  },
})

async function requireOrganization(services: Services, id: string): Promise<ListedOrganization> {
  return (await findOrganization(services, id)) ?? refuse('not_found')
}

function viewOf(organization: ListedOrganization): z.output<typeof organizationView> {
  return {
    id: organization.id,
    handle: organization.handle,
    display_name: organization.displayName,
    issuer: organization.issuer,
    trust_domain: organization.trustDomain,
    signing_algorithm: organization.signingAlgorithm,
    created_at_ms: organization.createdAtMs,
    ...(organization.suspendedAtMs !== undefined && { suspended_at_ms: organization.suspendedAtMs }),
  }
}
