// What a client knows: one line before each request and one after it, each on the disk before the client goes on.

import { close, fdatasync, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import type { Lineage, WhenStale } from '@credence/protocol'

export type Deed =
  | 'issue'
  | 'exchange'
  | 'register agent'
  | 'register delegation'
  | 'revoke'
  | 'revoke own token'
  | 'suspend'
  | 'resume'
  | 'rotate'

/** What is asked for. */
export type Wish = {
  do: Deed
  /** The `trace_id` of the audit record that it leads to: sent with the request, so that no two effects are taken for one another. */
  trace: string
  /** What is to end or come back; the agent that asks for a token. */
  id?: string
  /** The statements that a token or a registration rests on, root first, and the id of the last. */
  chain?: string[]
  delegation?: string
  /** The single-use things that go with it: a client assertion and a DPoP proof. */
  assertion?: string
  proof?: string
  /** Sent by whoever looks afterwards, with this one thing used a second time. */
  again?: 'assertion' | 'proof'
}

export type IssuedToken = { jti: string; exp: number; lineage: Lineage; kid: string; compact: string }

/** What a success said. */
export type Result = {
  id?: string
  handle?: string
  chain?: string[]
  token?: IssuedToken
  fact?: { seq: number; id: string; epoch: number }
  alreadyEnded?: boolean
  /** What the authority said of the enforcement points that may hold a lease: that all of them know. */
  allKnow?: boolean
}

/**
 * Calls of one token at one verifier that had the same verdict, one after the other. Times are the machine's (`machineMs`), of
 * the moments at which the first and the last of these calls began.
 */
export type Judged = {
  verifier: string
  /** The agent that it asks the authority as. What that asks for is in nobody's ledger. */
  operator: string
  jti: string
  /** The terms on which this verifier may go by what it knew, and whether these calls needed only what is harmless by them. */
  stalenessMs: number
  whenStale: WhenStale
  harmless: boolean
  /** `permitted`, or the code of the refusal. */
  verdict: string
  fromMs: number
  toMs: number
  times: number
}

/** Milliseconds by the one monotonic clock that all processes of a machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export type Entry =
  | { says: 'asked'; n: number; atMs: number; wish: Wish }
  | { says: 'answered'; n: number; atMs: number; machineMs?: number; status: number; code?: string; result: Result }
  | { says: 'unanswered'; n: number; atMs: number; why: string }
  | ({ says: 'judged'; atMs: number } & Judged)
  /** Everything asked before this has had its effect by now, or has none. */
  | { says: 'observed'; atMs: number }

export class Ledger {
  readonly entries: Entry[] = []
  readonly #file: number
  #requests = 0
  #lines: string[] = []
  #written = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#file = openSync(path, 'ax', 0o600)
  }

  async asked(wish: Wish): Promise<number> {
    const n = this.#requests++
    await this.#add({ says: 'asked', n, atMs: Date.now(), wish })
    return n
  }

  answered(n: number, answer: { status: number; code?: string; result: Result }): Promise<void> {
    return this.#add({ says: 'answered', n, atMs: Date.now(), machineMs: machineMs(), ...answer })
  }

  unanswered(n: number, why: string): Promise<void> {
    return this.#add({ says: 'unanswered', n, atMs: Date.now(), why })
  }

  judged(judged: Judged): Promise<void> {
    return this.#add({ says: 'judged', atMs: Date.now(), ...judged })
  }

  observed(): Promise<void> {
    return this.#add({ says: 'observed', atMs: Date.now() })
  }

  async close(): Promise<void> {
    await this.#written
    await promisify(close)(this.#file)
  }

  /** Lines that come while others are on their way to the disk go there together. */
  #add(entry: Entry): Promise<void> {
    this.entries.push(entry)
    this.#lines.push(`${JSON.stringify(entry)}\n`)
    this.#next ??= this.#written.then(() => {
      this.#next = undefined
      this.#written = this.#write(this.#lines.splice(0).join(''))
      return this.#written
    })
    return this.#next
  }

  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) {
      at += (await promisify(write)(this.#file, bytes, at, bytes.length - at)).bytesWritten
    }
    await promisify(fdatasync)(this.#file)
  }
}
