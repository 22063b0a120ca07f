import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'
import { PushedBody } from './pushed_body.ts'

/** What is still on its way when the answer has gone is read, and thrown away, up to these bounds. */
const longestDrainMs = 500
const mostDrained = 1_048_576

/** Writes an answer, or its beginning when the rest of it is still to come. */
export function write({ status, headers, body }: Answer, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (!incoming.complete) outgoing.once('finish', () => drain(incoming))
  if (body instanceof PushedBody) {
    // The head, and what has come so far, in one piece.
    const { socket } = outgoing
    socket?.cork()
    outgoing.writeHead(status, headers)
    outgoing.flushHeaders()
    body.sendTo(outgoing)
    socket?.uncork()
    return
  }
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body))
  outgoing.writeHead(status, headers)
  outgoing.end(body)
}

/** RFC 9112 §9.6: closed while its peer still sends, a connection would be reset, and the answer lost with it. */
function drain(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return
  let left = mostDrained
  const end = () => {
    clearTimeout(deadline)
    incoming.socket.destroy()
  }
  const deadline = setTimeout(end, longestDrainMs)
  incoming.once('close', () => clearTimeout(deadline))
  incoming.on('error', () => {})
  incoming.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  incoming.resume()
}
