import { encode } from './base64url.ts'
import { refuseAtUse as refuse } from './refusals/at_use.ts'
import { isSafeAt } from './safe_url.ts'

/**
 * What an id names: `dlg` delegation, `ept` enforcement point, `sgk` signing key of the authority, `crd` credential,
 * and so on.
 */
export type IdPrefix =
  | 'org'
  | 'agt'
  | 'ins'
  | 'psn'
  | 'svc'
  | 'crd'
  | 'rsc'
  | 'dlg'
  | 'tok'
  | 'sgk'
  | 'adm'
  | 'aud'
  | 'ept'

// 128 bits leave four in the last of 22 letters: only four letters can end an id.
const ID = /^(?:org|agt|ins|psn|svc|crd|rsc|dlg|tok|sgk|adm|aud|ept)_[A-Za-z0-9_-]{21}[AQgw]$/
const HANDLE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const TASK = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
const PATH_SEGMENT = /^[a-zA-Z0-9._-]+$/
// RFC 3986 with the parts that make two spellings of one place left out: userinfo, fragment, upper case in scheme and
// host.
const AUDIENCE =
  /^(https?):\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*)?(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*)?$/

/** A new id: the prefix, `_`, and 128 random bits as 22 letters of base64url. Never reused. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${newJti()}`
}

/** 128 random bits as 22 letters of base64url, for a `jti` that names nothing. */
export function newJti(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  const bits = pool.subarray(used, used + bytesOfId)
  used += bytesOfId
  const id = encode(bits)
  bits.fill(0)
  return id
}

const bytesOfId = 16
// Random bits for the next ids: asking for these few at a time costs more than all else that makes an id.
const pool = new Uint8Array(256 * bytesOfId)
let used = pool.length

export function isId(text: string, prefix?: IdPrefix): boolean {
  return ID.test(text) && (prefix === undefined || text.startsWith(`${prefix}_`))
}

/** The name of an organization or agent: 1 to 63 of `a-z 0-9 -`, no hyphen first or last. */
export function isHandle(text: string): boolean {
  return HANDLE.test(text)
}

/**
 * The name of a task or a session, chosen by whoever starts it: 1 to 128 of `A-Z a-z 0-9 . _ : -`, a letter or digit
 * first.
 */
export function isTask(text: string): boolean {
  return TASK.test(text)
}

/**
 * The URI a resource is registered under and tokens are addressed to: absolute `https` (plain `http` on loopback hosts
 * only), at most 512 characters, scheme and host in lower case, without userinfo and fragment (RFC 8707 §2). Audiences
 * are compared byte for byte.
 */
export function isAudience(text: string): boolean {
  if (text.length > 512) return false
  const [, scheme, host] = AUDIENCE.exec(text) ?? []
  if (scheme === undefined || host === undefined || !isSafeAt(scheme, host)) return false
  // A port or address that cannot be, and a host that a URL parser would spell otherwise (`0x7f.1`), name no place.
  return URL.canParse(text) && new URL(text).hostname === host
}

export type SpiffeId = { trustDomain: string; path: string[] }

/**
 * The parts of a SPIFFE ID, by the grammar of SPIFFE-ID §2 on the text itself: a URL parser would lower, decode and
 * collapse what must be refused. Refuses `malformed`.
 */
export function parseSpiffeId(text: string): SpiffeId {
  // §2.3: all characters are ASCII, so characters are bytes. §2.1: the scheme is written in lower case here, as
  // everybody issues it.
  if (text.length > 2048 || !text.startsWith('spiffe://')) refuse('malformed')
  const [trustDomain = '', ...path] = text.slice('spiffe://'.length).split('/')
  if (!TRUST_DOMAIN.test(trustDomain)) refuse('malformed')
  for (const segment of path) {
    // §2.2: no empty segment (so no trailing slash either), no relative one.
    if (!PATH_SEGMENT.test(segment) || segment === '.' || segment === '..') refuse('malformed')
  }
  return { trustDomain, path }
}

/** An agent's one identity and OAuth client id. Refuses `malformed` when it would not be one. */
export function agentSpiffeId(trustDomain: string, handle: string): string {
  return checkedSpiffeId(`spiffe://${trustDomain}/agent/${handle}`, 2)
}

export function instanceSpiffeId(trustDomain: string, handle: string, instanceId: string): string {
  return checkedSpiffeId(`spiffe://${trustDomain}/agent/${handle}/${instanceId}`, 3)
}

// A `/` inside a part would still be well formed, and mean somebody else: hence the count.
function checkedSpiffeId(text: string, segments: number): string {
  return parseSpiffeId(text).path.length === segments ? text : refuse('malformed')
}
