import type { Readable } from 'node:stream'
import { type Refusal, refusalOf, refuse } from '@credence/protocol'
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
    return this.#arriving(body, address)
  }

  /** Reads no further than it must: what is left of a body that is too large is dropped with its answer. */
  #arriving(body: Readable, address: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = []
      let total = 0
      const leave = () => {
        clearTimeout(deadline)
        body.off('data', take).off('end', end).off('error', broken).off('close', broken)
        this.#end(reading)
      }
      const give = (refusal: Refusal) => {
        leave()
        body.pause()
        // Whatever else becomes of it, nobody hears it.
        body.on('error', () => {})
        reject(refusal)
      }
      const take = (chunk: Uint8Array) => {
        chunks.push(chunk)
        total += chunk.byteLength
        if (total > this.#limits.bytes) give(refusalOf('body_too_large', this.#atMost()))
      }
      const end = () => {
        leave()
        resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, total))
      }
      const broken = (cause?: Error) => give(refusalOf('malformed', { detail: 'The body ended early.', cause }))
      const reading: Reading = { address, cut: () => give(refusalOf('body_too_slow')) }
      const deadline = setTimeout(reading.cut, this.#limits.ms)
      body.on('data', take).on('end', end).on('error', broken).on('close', broken)
      this.#begin(reading)
    })
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
    first?.cut()
  }

  #largest(): ReadonlySet<Reading> {
    let largest: ReadonlySet<Reading> = new Set()
    for (const own of this.#readings.values()) if (own.size > largest.size) largest = own
    return largest
  }

  #atMost(): { detail: string } {
    return { detail: `At most ${this.#limits.bytes} bytes are taken.` }
  }
}
