import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { assertionAlgorithms, wayNames } from '../authentication/index.ts'
import { grantTypes } from '../grants/index.ts'
import { type Answer, answerText } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import { findOrganizationByHandle } from '../organizations/index.ts'
import type { Organization } from '../services.ts'

const names = ['oauth-authorization-server', 'openid-configuration'] as const

const said = {
  method: 'get',
  door: 'public',
  tag: 'Discovery',
  answers: { 200: { description: 'The metadata.', type: 'application/json' } },
} as const

/**
 * Authorization server metadata (RFC 8414), in every place that clients look for it: below the issuer (OpenID Connect
 * Discovery), and, for issuers with a path, inserted between origin and path (RFC 8414 §3.1 and §5).
 */
export const metadataEndpoints: readonly Endpoint[] = [
  ...names.map((name) =>
    endpoint({
      ...said,
      path: `/.well-known/${name}`,
      summary: `Metadata (${name})`,
      handle: async (_services, { organization }) => metadataOf(organization),
    }),
  ),
  ...names.map((name) =>
    endpoint({
      ...said,
      path: `/.well-known/${name}/o/{handle}`,
      at: 'origin',
      summary: `Metadata, for clients that insert the well-known path (${name})`,
      params: z.strictObject({ handle: z.string().min(1).max(63) }),
      async handle(services, { params }) {
        const organization = await findOrganizationByHandle(services, params.handle)
        // An organization with a host of its own is not found under this origin: its issuer would not match.
        if (organization?.issuer !== `${services.config.origin}/o/${params.handle}`) refuse('organization_unknown')
        return metadataOf(organization)
      },
    }),
  ),
]

function metadataOf({ issuer }: Organization): Answer {
  const metadata = {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    introspection_endpoint: `${issuer}/introspect`,
    revocation_endpoint: `${issuer}/revoke`,
    grant_types_supported: grantTypes,
    // There is no authorization endpoint, so no response type.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: wayNames,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint_auth_methods_supported: wayNames,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint_auth_methods_supported: wayNames,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    dpop_signing_alg_values_supported: assertionAlgorithms,
    authorization_details_types_supported: ['agent_delegation'],
  }
  return answerText(JSON.stringify(metadata), 'application/json', 'public, max-age=300')
}
