// Requests byte by byte, as no client library would send them, and what comes back.

import { connect, type Socket } from 'node:net'

export type RawAnswer = { status: number; headers: Record<string, string>; body: string }

export type Heard = {
  answers: RawAnswer[]
  /** What came that is no whole answer. */
  rest: string
  /** Whether the authority closed the connection. */
  closed: boolean
}

/** An open connection; what it says is gathered. */
export class Line {
  readonly socket: Socket
  #text = ''
  #closed = false
  readonly #waiting = new Set<() => void>()

  /** @param from the local address that it comes from */
  constructor(port: number, from?: string) {
    this.socket = connect({ port, host: '127.0.0.1', ...(from && { localAddress: from }) })
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      this.#text += data.toString('latin1')
      this.#wake()
    })
    this.socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  /** Resolves when it has left this process. */
  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()))
  }

  heard(): Heard {
    return { ...answersIn(this.#text), closed: this.#closed }
  }

  /** Resolves when so many answers have come, or when the connection is closed. */
  async until(answers: number): Promise<Heard> {
    for (;;) {
      const heard = this.heard()
      if (heard.closed || heard.answers.length >= answers) return heard
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Resolves when the authority has closed the connection. */
  ended(): Promise<Heard> {
    return this.until(Number.POSITIVE_INFINITY)
  }

  #wake(): void {
    for (const go of this.#waiting) go()
    this.#waiting.clear()
  }
}

/** Sends these bytes over a connection of their own, and hears so many answers (default: until it is closed). */
export async function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  answers = Number.POSITIVE_INFINITY,
): Promise<Heard> {
  const line = new Line(port)
  await line.write(bytes)
  const heard = await line.until(answers)
  line.socket.destroy()
  return heard
}

/** Every whole answer (RFC 9112 §6), informational ones left out. */
function answersIn(text: string): { answers: RawAnswer[]; rest: string } {
  const answers: RawAnswer[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return { answers, rest }
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? Number.NaN)
    const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(/:\s*/, 2) as [string, string]))
    const after = rest.slice(end + 4)
    const read = bodyOf(headers, after)
    if (read === undefined) return { answers, rest }
    rest = read.rest
    if (status >= 200) answers.push({ status, headers, body: read.body })
  }
}

function bodyOf(headers: Record<string, string>, text: string): { body: string; rest: string } | undefined {
  if (headers['transfer-encoding'] === 'chunked') {
    const end = text.indexOf('0\r\n\r\n')
    return end === -1 ? undefined : { body: text.slice(0, end), rest: text.slice(end + 5) }
  }
  const length = Number(headers['content-length'] ?? 0)
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) }
}
