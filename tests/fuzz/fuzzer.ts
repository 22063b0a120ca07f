// Guided fuzzing: inputs that run something new, or end in a new way, are kept and changed further.

import { Chance } from '../faults/chance.ts'
import { type Coverage, type Covered, covers, type Point } from './coverage.ts'
import { dictionaryOf } from './dictionary.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

export type Budget = {
  /** Of new inputs, on top of the kept ones. */
  executions: number
  /** Ends sooner, once this thread has used so much of the processor. */
  cpuMs?: number
}

export type Finding = { input: Uint8Array; error: unknown }

/** An input that takes far more of the processor than inputs of its target do. Microseconds. */
export type Slow = { input: Uint8Array; cpuUs: number; usualUs: number }

export type Result = {
  executions: number
  /** What ran anything new, smallest first: all that is worth keeping of the old and the new. */
  corpus: Uint8Array[]
  /** How many of these were not there before. */
  grown: number
  /** Characters of the sources that ran, and ways it ended. */
  covered: number
  labels: number
  finding?: Finding
  slow: Slow[]
}

export type Options = {
  seed: number
  coverage: Coverage
  /** False: the same changes, and nothing learnt. For comparison only. */
  guided?: boolean
  /** Told of each input before it is run. */
  announce?: (input: Uint8Array) => void
  /** Measures each input's processor time, to find what is slow. */
  measure?: boolean
  /** Reduces inputs, and the corpus, to what is worth keeping. */
  reduce?: boolean
}

// Asking for the coverage takes about two milliseconds, so it is asked for once for many inputs.
const batchSize = 64
const defaultMaxBytes = 4_096
const slowTimes = 200

export class Fuzzer {
  readonly #target: Target
  readonly #options: Options
  readonly #chance: Chance
  readonly #words: readonly string[]
  readonly #labels = new Set<string>()
  readonly #times: number[] = []
  #corpus: Uint8Array[] = []
  #executions = 0
  #slow: Slow[] = []

  constructor(target: Target, options: Options) {
    this.#target = target
    this.#options = options
    // A seed draws differently for each target.
    this.#chance = new Chance(options.seed ^ Buffer.from(target.name).reduce((sum, byte) => sum * 31 + byte, 7))
    this.#words = dictionaryOf(target)
  }

  /** Runs all of `kept`, then changes of it until the budget is used up or something does not hold. */
  async run(kept: readonly Uint8Array[], budget: Budget): Promise<Result> {
    const { coverage } = this.#options
    coverage.take()
    coverage.forget()
    const known = new Set(kept.map(textKey))
    const begun = cpuUs()
    const most = (budget.cpuMs ?? Number.POSITIVE_INFINITY) * 1_000
    this.#corpus = [...kept, ...this.#target.seeds.map((seed) => new Uint8Array(Buffer.from(seed)))]
    try {
      for (const input of this.#corpus) this.#labels.add(await this.#execute(input))
      coverage.learn(coverage.take())
      const replayed = this.#executions
      while (this.#executions - replayed < budget.executions && cpuUs() - begun < most) {
        await this.#sift(Array.from({ length: batchSize }, () => this.#draw()))
      }
    } catch (error) {
      if (error instanceof Found) return { ...(await this.#result(known)), finding: error.finding }
      throw error
    }
    return this.#result(known)
  }

  #draw(): Uint8Array {
    const { form, maxBytes = defaultMaxBytes } = this.#target
    // What was found last leads furthest: the newest are taken more often.
    const from = this.#chance.next() < 0.5 ? this.#corpus : this.#corpus.slice(-8)
    const mutation = { chance: this.#chance, words: this.#words, other: this.#chance.pick(this.#corpus) }
    return mutate(this.#chance.pick(from), form, maxBytes, mutation)
  }

  /** Runs inputs together; when together they ran anything new, finds which of them did. */
  async #sift(inputs: readonly Uint8Array[]): Promise<void> {
    const { coverage, guided = true } = this.#options
    const fresh: Uint8Array[] = []
    for (const input of inputs) {
      const label = await this.#execute(input)
      if (this.#labels.has(label)) continue
      this.#labels.add(label)
      fresh.push(input)
    }
    const covered = coverage.take()
    if (!guided) return coverage.learn(covered)
    const points = coverage.unseen(covered)
    if (points.length === 0) this.#corpus.push(...fresh)
    else if (inputs.length === 1) await this.#keep(inputs[0] as Uint8Array, covered, points)
    else {
      const middle = inputs.length >> 1
      await this.#sift(inputs.slice(0, middle))
      await this.#sift(inputs.slice(middle))
      // Run again they did not do it: it was the first time of something, and is no merit of an input.
      coverage.learn(covered)
      this.#corpus.push(...fresh)
    }
  }

  async #keep(input: Uint8Array, covered: readonly Covered[], points: readonly Point[]): Promise<void> {
    this.#options.coverage.learn(covered)
    this.#corpus.push(this.#options.reduce ? await this.#shrunk(input, points) : input)
  }

  /** The input without whatever it can do without and still run the same new code. */
  async #shrunk(input: Uint8Array, points: readonly Point[]): Promise<Uint8Array> {
    const { coverage } = this.#options
    let smallest = input
    let triesLeft = 48
    for (let size = smallest.length >> 1; size >= 1 && triesLeft > 0; size >>= 1) {
      for (let at = 0; at < smallest.length && triesLeft-- > 0; ) {
        const shorter = new Uint8Array(Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]))
        await this.#execute(shorter)
        if (covers(coverage.take(), points)) smallest = shorter
        else at += size
      }
    }
    return smallest
  }

  async #execute(input: Uint8Array): Promise<string> {
    this.#executions++
    this.#options.announce?.(input)
    const before = this.#options.measure ? cpuUs() : 0
    try {
      return await this.#target.check(input)
    } catch (error) {
      throw new Found({ input, error })
    } finally {
      if (this.#options.measure) await this.#weigh(input, cpuUs() - before)
    }
  }

  /** Once it is known what is usual, an input that takes very much more, for its length and however often it is tried, is noted. */
  async #weigh(input: Uint8Array, took: number): Promise<void> {
    if (this.#times.length < 201) this.#times.push(took)
    if (this.#times.length === 201) this.#times.sort((a, b) => a - b)
    const usualUs = Math.max(20, this.#times[100] ?? Number.POSITIVE_INFINITY)
    const most = usualUs * slowTimes * (1 + input.length / defaultMaxBytes)
    if (this.#times.length < 201 || took < most || this.#slow.length >= 3) return
    let cpu = took
    for (let again = 0; again < 4 && cpu >= most; again++) {
      const before = cpuUs()
      await Promise.resolve(this.#target.check(input)).catch(() => {})
      cpu = Math.min(cpu, cpuUs() - before)
    }
    if (cpu >= most) this.#slow.push({ input, cpuUs: cpu, usualUs })
  }

  /** Of the corpus what is worth keeping, smallest first: an input stays when it runs something, or ends in a way, that none before it did. */
  async #result(known: ReadonlySet<string>): Promise<Result> {
    const { coverage } = this.#options
    const executions = this.#executions
    const covered = coverage.size
    const labels = this.#labels.size
    if (!this.#options.reduce) return { executions, corpus: this.#corpus, grown: 0, covered, labels, slow: this.#slow }
    coverage.take()
    coverage.forget()
    this.#labels.clear()
    const corpus: Uint8Array[] = []
    for (const input of this.#corpus.toSorted((a, b) => a.length - b.length)) {
      this.#options.announce?.(input)
      const label = await Promise.resolve(this.#target.check(input)).catch(() => 'finding')
      const ran = coverage.take()
      const isNew = coverage.unseen(ran).length > 0 || !this.#labels.has(label)
      coverage.learn(ran)
      this.#labels.add(label)
      if (isNew) corpus.push(input)
    }
    const grown = corpus.filter((input) => !known.has(textKey(input))).length
    return { executions, corpus, grown, covered, labels, slow: this.#slow }
  }
}

class Found extends Error {
  readonly finding: Finding

  constructor(finding: Finding) {
    super('something does not hold')
    this.finding = finding
  }
}

function textKey(input: Uint8Array): string {
  return Buffer.from(input).toString('latin1')
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}
