import { isSafeUrl, type JsonObject, refuseAtUse as refuse } from '@credence/protocol'
import { ask, readObject } from './network.ts'
import { once } from './once.ts'
import type { Runtime } from './runtime.ts'

/** Endpoints of an authority, by their names in its RFC 8414 metadata. Refuses one that is not there, or not on its origin. */
export type Endpoints = (name: 'token_endpoint' | 'introspection_endpoint' | 'jwks_uri') => Promise<string>

/** The metadata is asked for when the first of them is needed, and kept; not one that an endpoint cannot be taken from. */
export function endpointsOf(runtime: Runtime, issuer: string): Endpoints {
  let document = once(() => discover(runtime, issuer))
  return async (name) => {
    const asked = document
    const found = await asked()
    try {
      return endpointIn(found, name, new URL(issuer).origin)
    } catch (error) {
      if (document === asked) document = once(() => discover(runtime, issuer))
      throw error
    }
  }
}

/**
 * Fetches and checks an authority's metadata (RFC 8414 §3): what it says of its issuer must be the issuer asked for, byte by
 * byte, and every endpoint asked for must lie on the issuer's own origin, so that no document can send a secret elsewhere.
 *
 * @throws Refusal `authority_unreachable`, `metadata_mismatch`, `authority_answer_invalid`
 */
async function discover(runtime: Runtime, issuer: string): Promise<JsonObject> {
  const { status, text } = await ask(runtime, metadataUrl(issuer), { headers: { accept: 'application/json' } })
  if (status !== 200) return refuse('authority_unreachable', { detail: `Its metadata answered ${status}.` })
  const document = readObject(text)
  if (document.issuer !== issuer) return refuse('metadata_mismatch', { detail: 'It names another issuer.' })
  return document
}

/** RFC 8414 §3.1: the well-known segment goes between host and path. */
export function metadataUrl(issuer: string): string {
  if (!isSafeUrl(issuer)) return refuse('config_invalid', { detail: 'An issuer is an https URL.' })
  const { origin, pathname, search } = new URL(issuer)
  if (search !== '' || issuer.includes('#')) return refuse('config_invalid', { detail: 'An issuer has no query.' })
  return `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname.replace(/\/$/, '')}`
}

function endpointIn(document: JsonObject, name: string, origin: string): string {
  const value = document[name]
  if (typeof value !== 'string' || !isSafeUrl(value)) {
    return refuse('authority_answer_invalid', { detail: `Its metadata has no usable ${name}.` })
  }
  if (new URL(value).origin !== origin)
    return refuse('metadata_mismatch', { detail: `Its ${name} is on another origin.` })
  return value
}
