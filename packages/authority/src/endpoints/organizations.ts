import { algorithms } from '@credence/protocol'
import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import { createOrganization, listOrganizations } from '../organizations/index.ts'
import type { Organization } from '../services.ts'
import { page, paging } from './page.ts'
import { handle, listed, shortText } from './schemas.ts'

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
})

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

function viewOf(organization: Organization): z.output<typeof organizationView> {
  return {
    id: organization.id,
    handle: organization.handle,
    display_name: organization.displayName,
    issuer: organization.issuer,
    trust_domain: organization.trustDomain,
    signing_algorithm: organization.signingAlgorithm,
    created_at_ms: organization.createdAtMs,
  }
}
