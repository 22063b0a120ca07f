import { parseJsonBytes, refuse } from '@credence/protocol'
import { parseParameters } from './parameters.ts'

export type BodyLimits = { bytes: number }

/**
 * Reads a JSON object as it was sent, without a schema. Refuses `unsupported_media_type`, `body_too_large`, and what
 * `parseJson` refuses: duplicate members, ill-formed strings, too deep.
 */
export async function readJsonBody(request: Request, limits: BodyLimits): Promise<unknown> {
  requireType(request, 'application/json')
  const bytes = await readBytes(request, limits)
  return parseJsonBytes(bytes, { maxBytes: limits.bytes, maxDepth: 16 })
}

/** Reads a form. Refuses `unsupported_media_type`, `body_too_large`, `malformed`, `parameter_repeated`. */
export async function readFormBody(request: Request, limits: BodyLimits): Promise<Record<string, string>> {
  requireType(request, 'application/x-www-form-urlencoded')
  const bytes = await readBytes(request, limits)
  const form = parseParameters(decode(bytes))
  // RFC 6749 §3.2: a parameter sent without a value is treated as if it were omitted.
  return Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('malformed', { detail: 'The form is not UTF-8.' })
  }
}

function requireType(request: Request, wanted: string): void {
  const [type = '', ...parameters] = (request.headers.get('content-type') ?? '').toLowerCase().split(';')
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset)
  // A compressed body could be far larger than it says.
  const plain = (request.headers.get('content-encoding') ?? 'identity').toLowerCase() === 'identity'
  if (type.trim() !== wanted || !isUtf8 || !plain) refuse('unsupported_media_type')
}

async function readBytes(request: Request, { bytes: most }: BodyLimits): Promise<Uint8Array> {
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    if (!/^\d{1,15}$/.test(declared)) refuse('malformed')
    if (Number(declared) > most) refuse('body_too_large', { detail: `At most ${most} bytes are taken.` })
    // Node's parser lets no more through than was declared.
    return new Uint8Array(await request.arrayBuffer())
  }
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of request.body ?? []) {
    total += chunk.byteLength
    if (total > most) refuse('body_too_large', { detail: `At most ${most} bytes are taken.` })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, total)
}
