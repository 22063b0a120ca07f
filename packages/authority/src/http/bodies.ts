import type { Readable } from 'node:stream'
import { refusalOf, refuse } from '@credence/protocol'
import type { HttpRequest } from './request.ts'

/** How many bodies of one address, and of all, may be on their way at once. */
const mostOfOne = 64
const mostOfAll = 1_024

export type BodyLimits = {
  /** Of one body. */
  bytes: number
  /** Within which it must have arrived. */
  ms: number
}

type Reading = { address: string; cut(): void }

/**
 * Reads bodies, before their requests take any place: whoever sends slowly holds nothing that others need.
 *
 * An address that has too many on their way loses the one that is on its way longest, and so does the address with the most when
 * there are too many in all. Nobody honest is that slow, so that those who share an address with an attacker lose nothing.
 */
export class Bodies {
  readonly #limits: BodyLimits
  readonly #readings = new Map<string, Set<Reading>>()
  #count = 0

  constructor(limits: BodyLimits) {
    this.#limits = limits
  }

  /** How many are on their way. */
  get reading(): number {
    return this.#count
  }

  /** Refuses `body_too_large`, `body_too_slow`, and `malformed` for a body that ends early. */
  async read({ headers, body }: Pick<HttpRequest, 'headers' | 'body'>, address: string): Promise<Uint8Array> {
    const declared = headers.get('content-length')
    if (declared !== null) {
      if (!/^\d{1,15}$/.test(declared)) refuse('malformed')
      if (Number(declared) > this.#limits.bytes) refuse('body_too_large', this.#atMost())
      if (Number(declared) === 0) return new Uint8Array()
    }
    return this.#inTime(address, this.#whole(body))
  }

  async #inTime(address: string, arriving: Promise<Uint8Array>): Promise<Uint8Array> {
    const { promise: cut, resolve } = Promise.withResolvers<undefined>()
    const reading: Reading = { address, cut: () => resolve(undefined) }
    const deadline = setTimeout(reading.cut, this.#limits.ms)
    this.#begin(reading)
    // What was cut may still fail, and nobody hears it.
    arriving.catch(() => {})
    try {
      return (await Promise.race([arriving, cut])) ?? refuse('body_too_slow')
    } finally {
      clearTimeout(deadline)
      this.#end(reading)
    }
  }

  #begin(reading: Reading): void {
    const own = this.#readings.get(reading.address) ?? new Set()
    this.#readings.set(reading.address, own.add(reading))
    this.#count += 1
    if (own.size > mostOfOne) this.#cutFirst(own)
    else if (this.#count > mostOfAll) this.#cutFirst(this.#largest())
  }

  #end(reading: Reading): void {
    const own = this.#readings.get(reading.address)
    if (!own?.delete(reading)) return
    this.#count -= 1
    if (own.size === 0) this.#readings.delete(reading.address)
  }

  #cutFirst(own: ReadonlySet<Reading>): void {
    const [first] = own
    if (!first) return
    first.cut()
    this.#end(first)
  }

  #largest(): ReadonlySet<Reading> {
    let largest: ReadonlySet<Reading> = new Set()
    for (const own of this.#readings.values()) if (own.size > largest.size) largest = own
    return largest
  }

  /** Reads no further than it must: what is left of a body that is too large is dropped with its answer. */
  #whole(body: Readable): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let total = 0
      body.on('data', (chunk: Uint8Array) => {
        total += chunk.byteLength
        chunks.push(chunk)
        if (total <= this.#limits.bytes) return
        body.pause()
        reject(refusalOf('body_too_large', this.#atMost()))
      })
      body.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, total)))
      const broken = (cause?: Error) => reject(refusalOf('malformed', { detail: 'The body ended early.', cause }))
      body.once('error', broken)
      body.once('close', broken)
    })
  }

  #atMost(): { detail: string } {
    return { detail: `At most ${this.#limits.bytes} bytes are taken.` }
  }
}
