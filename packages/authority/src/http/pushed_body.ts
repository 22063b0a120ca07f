import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** Bytes that go to many connections, made once: as they are, and as one chunk of a chunked body (RFC 9112 section 7.1). */
export type Shared = { bytes: Uint8Array<ArrayBuffer>; chunk: Uint8Array<ArrayBuffer> }

export function shared(text: string): Shared {
  const size = Buffer.byteLength(text)
  const head = `${size.toString(16)}\r\n`
  const chunk = Buffer.from(`${head}${text}\r\n`)
  return { chunk, bytes: chunk.subarray(head.length, head.length + size) }
}

/** A connection's answer, of which the head has been written. */
export type Outgoing = Writable & Partial<Pick<ServerResponse, 'socket' | 'chunkedEncoding'>>

/**
 * A body whose maker says when something comes, to thousands of connections at once: it is written to each directly, past all
 * that an answer has of its own, without a promise, a queue or more than one system call.
 */
export class PushedBody {
  readonly #maxBufferedBytes: number
  readonly #onClosed: () => void
  /** What came before anybody took it. */
  #early: Shared[] | undefined = []
  #earlyBytes = 0
  /** How it ended. */
  #over: 'ended' | 'cut' | undefined
  #outgoing: Outgoing | undefined
  /** Of `outgoing`, when chunks may be written to it past `outgoing`, which has nothing of its own to write meanwhile. */
  #socket: Socket | undefined
  #drained: (() => void) | undefined

  /** @param onClosed called when whoever reads is gone. */
  constructor({ maxBufferedBytes, onClosed }: { maxBufferedBytes: number; onClosed: () => void }) {
    this.#maxBufferedBytes = maxBufferedBytes
    this.#onClosed = onClosed
  }

  /** @returns false, and nothing pushed, when the reader lags too far behind. */
  push(event: Shared): boolean {
    if (this.#over) return true
    if (this.#waitingBytes() + event.bytes.byteLength > this.#maxBufferedBytes) return false
    if (this.#early) {
      this.#early.push(event)
      this.#earlyBytes += event.bytes.byteLength
    } else this.#send(event)
    return true
  }

  /** Resolves when most of what is waiting has been taken, or it has ended. */
  async drained(): Promise<void> {
    while (!this.#over && this.#waitingBytes() > this.#maxBufferedBytes / 2) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    this.#drained = undefined
  }

  /** Ends it after what is waiting. */
  end(): void {
    this.#finish('ended')
  }

  /** Ends it at once. */
  cut(): void {
    this.#finish('cut')
  }

  /** Goes out over this connection from now on. */
  sendTo(outgoing: Outgoing): void {
    this.#outgoing = outgoing
    // A request that came before the answer to the one before it has no connection yet; HTTP/1.0 has no chunks.
    if (outgoing.socket && outgoing.chunkedEncoding) this.#socket = outgoing.socket
    const writable = this.#socket ?? outgoing
    const drained = () => this.#drained?.()
    writable.on('drain', drained)
    outgoing.once('close', () => {
      // The connection may go on to other requests.
      writable.off('drain', drained)
      drained()
      this.#onClosed()
    })
    this.#flush()
    if (outgoing.destroyed) this.#onClosed()
  }

  /** Somebody takes it. */
  #flush(): void {
    if (!this.#early) return
    const events = this.#over === 'cut' ? [] : this.#early
    this.#early = undefined
    this.#earlyBytes = 0
    for (const event of events) this.#send(event)
    if (this.#over) this.#close(this.#over)
  }

  #send({ bytes, chunk }: Shared): void {
    if (this.#socket) this.#socket.write(chunk)
    else this.#outgoing?.write(bytes)
  }

  #waitingBytes(): number {
    if (this.#early) return this.#earlyBytes
    if (this.#socket) return this.#socket.destroyed ? 0 : this.#socket.writableLength
    return this.#outgoing && !this.#outgoing.destroyed ? this.#outgoing.writableLength : 0
  }

  #finish(over: 'ended' | 'cut'): void {
    if (this.#over) return
    this.#over = over
    this.#drained?.()
    if (!this.#early) this.#close(over)
  }

  #close(over: 'ended' | 'cut'): void {
    if (over === 'ended') this.#outgoing?.end()
    else this.#outgoing?.destroy()
  }
}
