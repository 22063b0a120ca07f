import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Expectation, needsOf } from '../middleware/expectation.ts'
import type { Permitted } from '../verifier/verdict.ts'
import type { CallRequest, Verifier } from '../verifier/verifier.ts'

/**
 * The verdict on a Node request; undefined when it was refused and the answer has been written. Only the head of the request is
 * read.
 */
export async function guard<Request extends IncomingMessage>(
  verifier: Verifier,
  needs: Expectation<Request>,
  request: Request,
  response: ServerResponse,
): Promise<Permitted | undefined> {
  const verdict = await verifier.verify(callOf(request), needsOf(needs, request))
  if (verdict.ok) return verdict
  const answer = verdict.response()
  response.writeHead(answer.status, [...answer.headers].flat())
  response.end(await answer.text())
  return undefined
}

/** From the raw headers, repetitions included: Node's own object keeps only the first Authorization and so hides a second. */
function callOf(request: IncomingMessage & { originalUrl?: string }): CallRequest {
  // Express rewrites `url` below a mount point; a proof names what the caller sent.
  const url = request.originalUrl ?? request.url ?? '/'
  return { method: request.method ?? 'GET', url, headers: { get: (name) => fieldOf(request.rawHeaders, name) } }
}

/** Fields of one name are one list (RFC 9110 §5.3), as in `Headers`, which takes longer to make than a known token to verify. */
function fieldOf(raw: readonly string[], name: string): string | null {
  const wanted = name.toLowerCase()
  let value: string | null = null
  for (let place = 0; place + 1 < raw.length; place += 2) {
    const field = raw[place] as string
    if (field.length !== wanted.length || field.toLowerCase() !== wanted) continue
    value = value === null ? (raw[place + 1] as string) : `${value}, ${raw[place + 1]}`
  }
  return value
}
