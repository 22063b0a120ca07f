import { algorithms } from '@credence/protocol'

/** A resource's description of itself (RFC 9728 §2). */
export type ProtectedResourceMetadata = {
  resource: string
  authorization_servers: string[]
  bearer_methods_supported: ['header']
  dpop_bound_access_tokens_required: boolean
  dpop_signing_alg_values_supported: string[]
  scopes_supported?: string[]
  resource_name?: string
  resource_documentation?: string
}

/** The document to serve at `protectedResourceMetadataUrl(resource)`, as `application/json`. */
export function protectedResourceMetadata(about: {
  resource: string
  issuers: readonly string[]
  scopes?: readonly string[]
  proof?: 'required' | 'optional'
  name?: string
  documentation?: string
}): ProtectedResourceMetadata {
  return {
    resource: about.resource,
    authorization_servers: [...about.issuers],
    bearer_methods_supported: ['header'],
    dpop_bound_access_tokens_required: (about.proof ?? 'required') === 'required',
    dpop_signing_alg_values_supported: [...algorithms],
    ...(about.scopes !== undefined && { scopes_supported: [...about.scopes] }),
    ...(about.name !== undefined && { resource_name: about.name }),
    ...(about.documentation !== undefined && { resource_documentation: about.documentation }),
  }
}

/** RFC 9728 §3.1: the well-known segment goes between host and path. */
export function protectedResourceMetadataUrl(resource: string): string {
  const { origin, pathname, search } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`
}
