import type { Batch } from '@credence/protocol'
import type { Shared } from '../http/pushed_body.ts'
import type { Organization } from '../services.ts'
import type { FeedParts, FeedSettings } from './feed_hub.ts'
import { batchEvent, type FeedStream, type Told } from './feed_stream.ts'
import { commitSteps, renewalMs, renewLease } from './leases.ts'
import { maxFacts, readBatch } from './page.ts'
import { isBehind, type Place, recoverIfBehind } from './rollback.ts'

type Page = { event: Shared; told: Told }

/** `goOn`: what is to come to its end before the feed is closed; it never fails. */
type OrganizationFeedParts = FeedParts & { goOn(work: Promise<void>): void }

/** Streams that are written to in one turn of the event loop: about 10 ms each thousand. */
const newsAtOnce = 2_000
const heartbeatsAtOnce = 200

/** How often it is asked whether those who listen still operate what they listen for. */
const operatorsEveryMs = 1_000

/**
 * One organization's streams in this process. Whatever goes to all of them is read, signed and encoded once.
 *
 * The head row in the store is the only source: commits made here, or a tick of the clock, are merely reasons to look.
 */
export class OrganizationFeed {
  /** Those that still catch up included. */
  readonly streams = new Set<FeedStream>()
  readonly #parts: OrganizationFeedParts
  readonly #organization: Organization
  readonly #settings: FeedSettings
  /** The `seq` and incarnation that the live streams have been told. */
  #sent: { seq: number; incarnation: number } | undefined
  #sentAtMs = Number.NEGATIVE_INFINITY
  #renewedAtMs: number
  #operatorsAtMs: number
  #failing = false
  #running: Promise<void> | undefined
  #renewing: Promise<void> | undefined
  #again = false
  /** Pages for those who catch up, shared until the next batch. */
  #pages = new Map<number, Promise<Page>>()

  constructor(parts: OrganizationFeedParts, organization: Organization, settings: FeedSettings) {
    this.#parts = parts
    this.#organization = organization
    this.#settings = settings
    this.#renewedAtMs = parts.clock.monotonicMs()
    this.#operatorsAtMs = this.#renewedAtMs
  }

  /** The highest `seq` this process has told anybody. */
  get told(): number {
    return this.#sent?.seq ?? 0
  }

  /** How far the feed had certainly come. */
  get place(): Place | undefined {
    return this.#sent
  }

  /** Looks at the head and tells every stream what is new, or, when its time has come, that nothing is. Never throws. */
  look(): Promise<void> {
    if (this.#running) {
      this.#again = true
      return this.#running
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#again = false
        await this.#turn()
      } while (this.#again && this.streams.size > 0)
      this.#failing = false
    } catch (error) {
      // Nothing is sent: verifiers that hear nothing refuse when their lease is over.
      if (this.#failing) return
      this.#failing = true
      this.#parts.log.error({ organization: this.#organization.id, err: error }, 'the feed could not be read')
    }
  }

  async #turn(): Promise<void> {
    const { store, clock } = this.#parts
    const atMs = clock.nowMs()
    const startedAtMs = clock.monotonicMs()
    const head = await store.of(this.#organization.id).head()
    if (this.#sent && isBehind(head, this.#sent)) {
      await recoverIfBehind(this.#parts, this.#organization, this.#sent)
      // What is told from here on is of the incarnation that it was raised to.
      this.#sent = undefined
      this.#sentAtMs = Number.NEGATIVE_INFINITY
      this.#again = true
      return
    }
    const sent = this.#sent ?? head
    const news = head.seq > sent.seq || head.incarnation !== sent.incarnation
    this.#sent = sent
    if (!news && startedAtMs - this.#sentAtMs < this.#settings.heartbeatMs) return
    await this.#keepLeases(startedAtMs)
    const batch: Batch =
      head.seq > sent.seq
        ? await readBatch(this.#parts, this.#organization, { after: sent.seq, limit: maxFacts })
        : { ...this.#heartbeat(head), at_ms: atMs }
    await this.#send(batch, await this.#parts.sign(this.#organization, batch), { news, startedAtMs })
    if (batch.to < batch.head) this.#again = true
    // Whoever must go goes after the news: it delays nobody's.
    await this.#endStrangers(startedAtMs)
  }

  #heartbeat(head: { seq: number; incarnation: number }): Omit<Batch, 'at_ms'> {
    const { issuer, id } = this.#organization
    return {
      iss: issuer,
      org: id,
      incarnation: head.incarnation,
      after: head.seq,
      to: head.seq,
      head: head.seq,
      facts: [],
    }
  }

  /** In slices, so that requests get their turns in between: large ones for news, which are for everybody at once. */
  async #send(batch: Batch, compact: string, { news, startedAtMs }: { news: boolean; startedAtMs: number }) {
    const event = batchEvent(batch.to, compact)
    const told = toldBy(batch)
    this.#sent = { seq: batch.to, incarnation: batch.incarnation }
    this.#sentAtMs = startedAtMs
    this.#pages.clear()
    const slice = news ? newsAtOnce : heartbeatsAtOnce
    let left = slice
    for (const stream of this.streams) {
      if (!stream.live || isAhead(stream, batch)) continue
      stream.push(event, told)
      left -= 1
      if (left > 0) continue
      await nextTurn()
      // The rest hear the news instead: those come first.
      if (!news && (await this.#hasNews())) break
      left = slice
    }
    const ended = new Map(batch.facts.map(({ id, epoch }) => [id, epoch]))
    for (const stream of this.streams) if (isDead(stream, ended) || startedAtMs >= stream.endsAtMs) stream.end()
  }

  async #hasNews(): Promise<boolean> {
    if (!this.#again || !this.#sent) return false
    this.#again = false
    const head = await this.#parts.store.of(this.#organization.id).head()
    this.#again = head.seq !== this.#sent.seq || head.incarnation !== this.#sent.incarnation
    return this.#again
  }

  /** Ends the streams of those who do not operate their resource any more. */
  async #endStrangers(nowMs: number): Promise<void> {
    if (nowMs - this.#operatorsAtMs < operatorsEveryMs) return
    const resources = new Set([...this.streams].map(({ lease }) => lease.resource))
    const operates = await this.#parts.operators(this.#organization, [...resources])
    for (const stream of this.streams) {
      // One that joined meanwhile was checked when it came.
      if (resources.has(stream.lease.resource) && !operates(stream.lease.resource, stream.agent)) stream.end()
    }
    this.#operatorsAtMs = nowMs
  }

  /**
   * A batch extends the leases of all it goes to, so it is sent only while they are on record. They are renewed long before that ends,
   * and meanwhile nobody waits.
   */
  async #keepLeases(nowMs: number): Promise<void> {
    const age = nowMs - this.#renewedAtMs
    if (age < renewalMs / 2) return
    if (!this.#renewing) {
      const renewing = this.#renewLeases(nowMs).finally(() => {
        this.#renewing = undefined
      })
      this.#renewing = renewing
      const warn = (error: unknown) =>
        this.#parts.log.warn({ organization: this.#organization.id, err: error }, 'leases not yet renewed')
      this.#parts.goOn(renewing.catch(warn))
    }
    if (age >= renewalMs) await this.#renewing
  }

  async #renewLeases(nowMs: number): Promise<void> {
    const atMs = this.#parts.clock.nowMs()
    const leases = [...this.streams].map(({ lease }) => lease)
    const steps = leases.map((lease) => renewLease(lease, atMs))
    await commitSteps(this.#parts.store, this.#organization.id, steps)
    for (const lease of leases) lease.seenAtMs = Math.max(lease.seenAtMs, atMs)
    this.#renewedAtMs = nowMs
  }

  /** Brings a new stream up to where the others are, page by page as fast as it reads, and lets it join them. */
  async join(stream: FeedStream): Promise<void> {
    this.streams.add(stream)
    for (;;) {
      await stream.drained()
      await this.#readHeadOnce()
      if (stream.ended) return
      // Nothing can be sent between this comparison and going live: no turn of the event loop lies between them.
      if (stream.told.to >= (this.#sent?.seq ?? 0)) break
      const { event, told } = await this.#pageAfter(stream.told)
      stream.push(event, told)
    }
    stream.live = true
    await this.#endIfRevoked(stream)
  }

  async #readHeadOnce(): Promise<void> {
    if (this.#sent) return
    const head = await this.#parts.store.of(this.#organization.id).head()
    this.#sent ??= head
  }

  /** What was committed after the caller was checked and sent before it joined is seen here. */
  async #endIfRevoked(stream: FeedStream): Promise<void> {
    const ids = stream.lineage.map(([id]) => id)
    const rows = await this.#parts.store.of(this.#organization.id).standing(ids)
    const standing = new Map(rows.map((row) => [row.id, row]))
    const dead = stream.lineage.some(([id, epoch]) => {
      const row = standing.get(id)
      return row !== undefined && (row.alive === 0 || row.epoch > epoch)
    })
    if (dead) stream.end()
  }

  async #pageAfter({ to, head, incarnation }: Told): Promise<Page> {
    const shared = await this.#pages.get(to)
    if (shared && shared.told.incarnation === incarnation && shared.told.head >= head) return shared
    const page = this.#readPage(to)
    this.#pages.set(to, page)
    page.catch(() => this.#pages.delete(to))
    return page
  }

  async #readPage(after: number): Promise<Page> {
    const batch = await readBatch(this.#parts, this.#organization, { after, limit: maxFacts })
    const event = batchEvent(batch.to, await this.#parts.sign(this.#organization, batch))
    return { event, told: toldBy(batch) }
  }
}

export function toldBy({ to, head, incarnation }: Batch): Told {
  return { to, head, incarnation }
}

/** It joined with a later head, or was brought as far by a page: it hears the next batch. */
function isAhead({ told }: FeedStream, { incarnation, head, to, facts }: Batch): boolean {
  return told.incarnation === incarnation && (told.head > head || (facts.length > 0 && told.to >= to))
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function isDead(stream: FeedStream, ended: ReadonlyMap<string, number>): boolean {
  if (ended.size === 0) return false
  return stream.lineage.some(([id, epoch]) => epoch < (ended.get(id) ?? 0))
}
