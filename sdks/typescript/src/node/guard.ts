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
  const headers = new Headers()
  for (let place = 0; place + 1 < request.rawHeaders.length; place += 2) {
    const name = request.rawHeaders[place] ?? ''
    if (/^(?:authorization|dpop)$/i.test(name)) headers.append(name, request.rawHeaders[place + 1] ?? '')
  }
  // Express rewrites `url` below a mount point; a proof names what the caller sent.
  return { method: request.method ?? 'GET', url: request.originalUrl ?? request.url ?? '/', headers }
}
