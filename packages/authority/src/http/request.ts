import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

/** Headers by their lower-case names. Lines of one name are joined by a comma (RFC 9110 §5.3), so that none is overlooked. */
export type RequestHeaders = Pick<Headers, 'get' | 'has'>

/**
 * A request as it came over the wire. Nothing in its target is normalized or unescaped: what is not spelled as a row of the table
 * spells it is not found, so that nothing in front of the authority can have understood another path than it did.
 */
export type HttpRequest = {
  method: string
  /** The host, with its port, of a target in absolute form. */
  host: string | undefined
  /** Begins with `/`, or is empty when the target is no path. */
  path: string
  /** From the question mark on; empty without one. */
  search: string
  headers: RequestHeaders
  body: Readable
  /** The address at the other end of the connection. */
  connection: string | undefined
  /** Whether nobody waits for the answer any more. */
  isGone(): boolean
}

export function requestOf(incoming: IncomingMessage): HttpRequest {
  const { host, target } = targetOf(incoming.url ?? '')
  const question = target.indexOf('?')
  return {
    method: incoming.method ?? '',
    host,
    path: question === -1 ? target : target.slice(0, question),
    search: question === -1 ? '' : target.slice(question),
    headers: new Lines(incoming),
    body: incoming,
    connection: incoming.socket.remoteAddress,
    isGone: () => incoming.socket.destroyed || incoming.socket.readableEnded,
  }
}

/** RFC 9112 §3.2.2: a target in absolute form is taken as well. */
function targetOf(url: string): { host: string | undefined; target: string } {
  if (url.startsWith('/')) return { host: undefined, target: url }
  const [, host, target = ''] = /^https?:\/\/(?:[^/?#@]*@)?([^/?#]+)(\/.*)?$/is.exec(url) ?? []
  return { host, target }
}

class Lines implements RequestHeaders {
  readonly #incoming: IncomingMessage

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming
  }

  get(name: string): string | null {
    return this.#incoming.headersDistinct[name]?.join(', ') ?? null
  }

  has(name: string): boolean {
    return this.#incoming.headersDistinct[name] !== undefined
  }
}
