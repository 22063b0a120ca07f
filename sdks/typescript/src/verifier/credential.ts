import { refuseAtUse as refuse } from '@credence/protocol'

export type Presented = { scheme: 'Bearer' | 'DPoP'; token: string }

const longest = 16_384
const schemes = /^(Bearer|DPoP)(?: |$)/i
const token68 = /^[A-Za-z0-9._~+/-]+=*$/

/**
 * The access token of a request, from the Authorization header and nowhere else: one in the query or the body is not looked at
 * (RFC 9700 §4.3.2). Whether it has the form of one is for `assertForm`: a token that is known has.
 *
 * @throws Refusal `token_missing`, `too_large`
 */
export function readCredential(headers: Pick<Headers, 'get'>): Presented {
  const value = headers.get('authorization')
  if (value === null) return refuse('token_missing')
  if (value.length > longest) return refuse('too_large', { detail: 'Authorization' })
  const [, scheme] = schemes.exec(value) ?? []
  if (scheme === undefined) return refuse('token_missing')
  return { scheme: scheme.length === 4 ? 'DPoP' : 'Bearer', token: value.slice(scheme.length + 1) }
}

/**
 * RFC 9110 §11.4: one scheme, one space, one token68. Two fields that were joined with a comma do not fit it.
 *
 * @throws Refusal `malformed`
 */
export function assertForm(token: string): void {
  if (!token68.test(token)) refuse('malformed', { detail: 'Authorization' })
}
