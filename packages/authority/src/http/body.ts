import { parseJsonBytes, type RefusalCode, refuse } from '@credence/protocol'
import type { Endpoint } from './endpoint.ts'
import { parseParameters } from './parameters.ts'
import type { HttpRequest } from './request.ts'
import { validate } from './validate.ts'

/** Whether the request has a body of a kind that its endpoint takes; only such a one is read at all. Refuses `unsupported_media_type`. */
export function hasBody({ body, bodyType }: Endpoint, request: Pick<HttpRequest, 'headers'>): boolean {
  if (!body) return false
  const { headers } = request
  const sent = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  if (bodyType === 'form') requireType(request, 'application/x-www-form-urlencoded')
  else if (sent || headers.has('content-type')) requireType(request, 'application/json')
  return sent
}

/**
 * The body in the shape that the endpoint declares. A JSON endpoint takes no body at all for an empty object.
 *
 * Refuses `malformed`; of JSON what `parseJson` refuses: duplicate members, ill-formed strings, too deep; of a form
 * `parameter_repeated`; and `validation_failed`, or at an OAuth endpoint `invalid_request`.
 */
export function readBody(endpoint: Endpoint, request: Pick<HttpRequest, 'headers'>, bytes: Uint8Array): unknown {
  const { body, bodyType, refusals } = endpoint
  if (!body) return undefined
  const otherwise: RefusalCode = refusals === 'oauth' ? 'invalid_request' : 'validation_failed'
  if (bodyType === 'form') return validate(body, readForm(bytes), 'body', otherwise)
  const absent = bytes.byteLength === 0 && !request.headers.has('content-type')
  return validate(body, absent ? {} : readJson(bytes), 'body', otherwise)
}

/** As it was sent, without a schema. */
function readJson(bytes: Uint8Array): unknown {
  return parseJsonBytes(bytes, { maxBytes: bytes.byteLength, maxDepth: 16 })
}

function readForm(bytes: Uint8Array): Record<string, string> {
  const form = parseParameters(decode(bytes))
  // RFC 6749 §3.2: a parameter sent without a value is treated as if it were omitted.
  for (const name of Object.keys(form)) if (form[name] === '') delete form[name]
  return form
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return refuse('malformed', { detail: 'The form is not UTF-8.' })
  }
}

function requireType(request: Pick<HttpRequest, 'headers'>, wanted: string): void {
  const [type = '', ...parameters] = (request.headers.get('content-type') ?? '').toLowerCase().split(';')
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset)
  // A compressed body could be far larger than it says.
  const plain = (request.headers.get('content-encoding') ?? 'identity').toLowerCase() === 'identity'
  if (type.trim() !== wanted || !isUtf8 || !plain) refuse('unsupported_media_type')
}
