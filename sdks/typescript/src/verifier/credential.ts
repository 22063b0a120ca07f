import { refuseAtUse as refuse } from '@credence/protocol'

export type Presented = { scheme: 'Bearer' | 'DPoP'; token: string }

const longest = 16_384
// RFC 9110 §11.4: one scheme, one space, one token68. Two fields that were joined with a comma do not fit it.
const form = /^(Bearer|DPoP) ([A-Za-z0-9._~+/-]+=*)$/i

/**
 * The access token of a request, from the Authorization header and nowhere else: one in the query or the body is not looked at
 * (RFC 9700 §4.3.2).
 *
 * @throws Refusal `token_missing`, `malformed`, `too_large`
 */
export function readCredential(headers: Headers): Presented {
  const value = headers.get('authorization')
  if (value === null) return refuse('token_missing')
  if (value.length > longest) return refuse('too_large', { detail: 'Authorization' })
  const [, scheme, token] = form.exec(value) ?? []
  if (scheme === undefined || token === undefined) {
    return /^(?:Bearer|DPoP)(?: |$)/i.test(value)
      ? refuse('malformed', { detail: 'Authorization' })
      : refuse('token_missing')
  }
  return { scheme: scheme.length === 4 ? 'DPoP' : 'Bearer', token }
}
