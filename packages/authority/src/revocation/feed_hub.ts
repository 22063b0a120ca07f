import { type Batch, newId, refuse, type WhenStale } from '@credence/protocol'
import type { PushedBody } from '../http/pushed_body.ts'
import type { Organization, Services } from '../services.ts'
import type { Lineage } from '../store/port.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { batchEvent, FeedStream, pointEvent, retryEvent } from './feed_stream.ts'
import { KnownPlaces } from './known_places.ts'
import {
  commitSteps,
  endLease,
  type Lease,
  leasesAliveAt,
  pointName,
  Room,
  rememberLease,
  rememberPage,
} from './leases.ts'
import { OrganizationFeed, toldBy } from './organization_feed.ts'
import { maxFacts, readBatch } from './page.ts'
import { isBehind, type Place, recoverIfBehind } from './rollback.ts'
import { Shares } from './shares.ts'

/** Milliseconds, unless said otherwise. */
export type FeedSettings = {
  /** Streams one process holds; more are refused `overloaded`. */
  maxStreams: number
  /** Of these, the streams of one organization; more are refused `quota_exceeded`. */
  maxOrganizationStreams: number
  /** Enforcement points of one agent at one resource that may hold a lease; a new one above is refused `quota_exceeded`. */
  maxPoints: number
  /** Streams being opened at once; the rest are sent away to come back a little later. */
  maxOpening: number
  heartbeatMs: number
  /** How often the head row is read while someone listens. */
  pollMs: number
  /** A stream ends after this, give or take a tenth, and its caller comes back. */
  maxAgeMs: number
  /** A stream outlives the token that opened it by this at most. */
  afterTokenMs: number
  /** Bytes a connection may lag behind before it is cut. */
  maxBufferedBytes: number
}

const defaults: FeedSettings = {
  maxStreams: 12_000,
  maxOrganizationStreams: 6_000,
  maxPoints: 1_000,
  maxOpening: 512,
  heartbeatMs: 1_000,
  pollMs: 100,
  maxAgeMs: 15 * 60_000,
  afterTokenMs: 5 * 60_000,
  maxBufferedBytes: 256 * 1024,
}

/** Organizations, each a read by key. */
const lookedBackAtOnce = 100

export type FeedParts = Pick<Services, 'store' | 'clock' | 'log'> & {
  /** Signs with the organization's active key: `signBatch(await activeKey(services, organization), batch)`. */
  sign(organization: Organization, batch: Batch): Promise<string>
  /** Reads who operates these resources now. */
  operators(organization: Organization, resources: readonly string[]): Promise<Operates>
  settings?: Partial<FeedSettings>
}

/** Whether this agent operates this resource. */
export type Operates = (resource: string, agent: string) => boolean

/** Who listens: the operator of a resource, from one running enforcement point. */
export type Subscriber = {
  resource: { id: string; audience: string; maxStalenessMs: number; whenStale: WhenStale; harmlessScopes: string[] }
  agent: string
  /** What this enforcement point calls itself (`ept_…`); a new name when it has none. */
  point?: string | undefined
  /** Of its token, the token's own id and the key that signed it included. */
  lineage: Lineage
  /** Whether it has given up, and perhaps come again. */
  isGone(): boolean
  /** When that token expires, Unix milliseconds. */
  tokenEndsAtMs: number
  /** The `seq` it has come to. */
  after: number
  /** Comes back in the first batch, for calibration. */
  nonce?: string | undefined
}

/** Everything in this process that listens to revocations. */
export class FeedHub {
  readonly acknowledgements: Acknowledgements
  /** Those who wait for what they ended to be known everywhere. */
  readonly waiters = new Shares()
  readonly #parts: FeedParts
  readonly #settings: FeedSettings
  readonly #feeds = new Map<string, OrganizationFeed>()
  readonly #places = new KnownPlaces()
  readonly #shares = new Shares()
  readonly #room = new Room()
  /** By organization and the name of their point, of which each has one stream. */
  readonly #streams = new Map<string, FeedStream>()
  /** Leases of streams that have ended, not yet written. */
  readonly #over = new Map<string, Lease[]>()
  readonly #stopListening: () => void
  readonly #ending = new AbortController()
  /** What goes on by itself and asks the store. None of it ever fails. */
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #open = 0
  #opening = 0

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.#settings = { ...defaults, ...parts.settings }
    this.acknowledgements = new Acknowledgements(parts)
    const look = (organization: string) => this.#goOn(this.tell(organization))
    const stops = [
      parts.store.onCommit(({ organization, facts }) => {
        for (const { seq } of facts) this.#places.committed(organization, seq)
        if (facts.length > 0) look(organization)
      }),
      parts.store.onHint(look),
    ]
    this.#stopListening = () =>
      stops.forEach((stop) => {
        stop()
      })
  }

  /** Aborted when the streams end: who waits here for what others still have to say, waits no more. */
  get ending(): AbortSignal {
    return this.#ending.signal
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#open
  }

  /**
   * Opens a stream, and ends another that the same point has here: never a newer one, since whoever has opened that has given this one
   * up. Its lease is on record before the first batch that grants it is made.
   *
   * @returns server-sent events: `retry`, `point`, then `batch` events; the first is the caller's own (nonce, lease), the
   *   others are the same for all.
   * @throws Refusal `overloaded` when there is no room or nobody waits any more, `quota_exceeded` when the organization or the agent has no more
   */
  async open(organization: Organization, subscriber: Subscriber): Promise<PushedBody> {
    const { maxStreams, maxOpening } = this.#settings
    if (this.ending.aborted || subscriber.isGone()) refuse('overloaded')
    if (this.#open + this.#opening >= maxStreams || this.#opening >= maxOpening) refuse('overloaded')
    const point = subscriber.point ?? newId('ept')
    const { resource, agent } = subscriber
    this.#endFormer(organization, pointName(resource.id, agent, point))
    const giveBack = this.#takeShare(organization, subscriber)
    this.#opening += 1
    let stream: FeedStream | undefined
    try {
      const first = await this.#leasedBatch(organization, rememberLease, { ...subscriber, point })
      if (this.ending.aborted || subscriber.isGone()) refuse('overloaded')
      stream = this.#streamOf(organization, subscriber, first, giveBack)
      stream.push(retryEvent())
      stream.push(pointEvent(point))
      stream.push(batchEvent(first.batch.to, first.compact))
      this.#join(organization, stream)
      return stream.body
    } finally {
      this.#opening -= 1
      if (!stream) giveBack()
    }
  }

  /**
   * One signed batch of this subscriber's own: what comes after its cursor, its nonce, and its lease, put on record before.
   *
   * @param limit most facts in it
   */
  async page(organization: Organization, subscriber: Subscriber, limit: number): Promise<string> {
    const point = subscriber.point ?? newId('ept')
    return (await this.#leasedBatch(organization, rememberPage, { ...subscriber, point, limit })).compact
  }

  async #leasedBatch(
    organization: Organization,
    remember: typeof rememberLease,
    { resource, agent, point, after, nonce, limit }: Subscriber & { point: string; limit?: number },
  ): Promise<First> {
    const lease: Lease = {
      resource: resource.id,
      point: pointName(resource.id, agent, point),
      stalenessMs: resource.maxStalenessMs,
      seenAtMs: this.#parts.clock.nowMs(),
    }
    const room = { most: this.#settings.maxPoints, atMs: this.#parts.clock.settledMs() }
    await this.#room.require(this.#parts.store, organization.id, lease, room)
    const head = await this.#parts.store.of(organization.id).head()
    // Whoever says it is further than anything given out has known another incarnation, and nothing of this one.
    await commitSteps(this.#parts.store, organization.id, remember(lease, after <= head.seq ? after : 0))
    const batch: Batch = {
      ...(await readBatch(this.#parts, organization, { after, limit: limit ?? maxFacts })),
      resource: resource.audience,
      lease_ms: lease.stalenessMs,
      when_stale: resource.whenStale,
      ...(resource.whenStale === 'harmless_reads' && { harmless_scopes: resource.harmlessScopes }),
      ...(nonce !== undefined && { nonce }),
    }
    return { lease, batch, compact: await this.#parts.sign(organization, batch) }
  }

  /** Tells every stream of this organization what is new, now. Resolves when it has been sent. */
  async tell(organization: string): Promise<void> {
    await this.#feeds.get(organization)?.look()
  }

  /** Signs a batch that is nobody's in particular. */
  sign(organization: Organization, batch: Batch): Promise<string> {
    return this.#parts.sign(organization, batch)
  }

  /**
   * Takes note of how far an enforcement point has come.
   *
   * @throws Refusal `validation_failed` for a `seq` that was never given out, which would acknowledge what is yet to come, and
   *   when no point is named although the agent has none, or several, at this resource.
   */
  async acknowledge(
    organization: Organization,
    { resource, agent, point, seq }: { resource: string; agent: string; point?: string | undefined; seq: number },
  ): Promise<void> {
    const told = this.#feeds.get(organization.id)?.told ?? 0
    const given = seq <= told || seq <= (await this.#parts.store.of(organization.id).head()).seq
    if (!given) refuse('validation_failed', { detail: 'seq: no revocation has this number yet.' })
    const name =
      point === undefined ? await this.#onlyPoint(organization, resource, agent) : pointName(resource, agent, point)
    this.acknowledgements.receive(organization.id, { resource, point: name, seq, atMs: this.#parts.clock.nowMs() })
  }

  /**
   * Takes note that the feed was certainly as far as this: an enforcement point has shown what was signed for it.
   *
   * @returns whether the store is behind it, and so has lost something.
   */
  witness(organization: Organization, place: Place): Promise<boolean> {
    return recoverIfBehind(this.#parts, organization, place)
  }

  /** Whether the store is where this process has seen it. Organizations with open streams look all the time; these are some of the others. */
  async lookBack(): Promise<void> {
    for (const id of this.#places.next(lookedBackAtOnce)) {
      const head = await this.#parts.store.of(id).head()
      const known = this.#places.beside(id, head)
      if (isBehind(head, known)) await recoverIfBehind(this.#parts, { id }, known)
      this.#places.looked(id)
      this.#places.read(id, head)
    }
  }

  /** Ends every stream, so that its caller comes back elsewhere, and opens no other. */
  end(): void {
    if (this.ending.aborted) return
    this.#ending.abort()
    this.#stopListening()
    clearInterval(this.#timer)
    for (const feed of this.#feeds.values()) {
      for (const stream of feed.streams) {
        stream.push(retryEvent())
        stream.end()
      }
    }
  }

  /** Ends every stream, lets what is under way come to its end, and writes what is outstanding. Asks the store nothing after that. */
  async close(): Promise<void> {
    this.end()
    // What is under way may go on to something else.
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    await this.acknowledgements.close()
    await this.#writeOver()
  }

  #goOn(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  #takeShare({ id }: Organization, { resource, agent }: Subscriber): () => void {
    const { maxOrganizationStreams, maxPoints } = this.#settings
    const giveBack = this.#shares.take([
      [id, maxOrganizationStreams],
      [`${id} ${pointName(resource.id, agent, '')}`, maxPoints],
    ])
    return giveBack ?? refuse('quota_exceeded', { detail: 'There are too many open streams.' })
  }

  /** The lease of what it ended goes on: it is the new stream's. */
  #endFormer(organization: Organization, point: string): void {
    const former = this.#streams.get(`${organization.id} ${point}`)
    if (!former) return
    former.replaced = true
    former.end()
  }

  #streamOf(
    organization: Organization,
    { lineage, agent, tokenEndsAtMs }: Subscriber,
    { lease, batch }: First,
    giveBack: () => void,
  ): FeedStream {
    const { maxAgeMs, afterTokenMs, maxBufferedBytes } = this.#settings
    const { clock } = this.#parts
    const tokenLeftMs = Math.max(0, tokenEndsAtMs - clock.nowMs())
    // Spread, so that those who came together do not come back together.
    const longestMs = Math.min(
      maxAgeMs * (0.9 + Math.random() * 0.2),
      tokenLeftMs + afterTokenMs * (1 - Math.random() * 0.2),
    )
    const place = `${organization.id} ${lease.point}`
    this.#open += 1
    return new FeedStream({
      lease,
      agent,
      lineage,
      told: toldBy(batch),
      endsAtMs: clock.monotonicMs() + longestMs,
      maxBufferedBytes,
      onEnd: (stream) => {
        this.#open -= 1
        giveBack()
        if (this.#streams.get(place) === stream) this.#streams.delete(place)
        this.#feeds.get(organization.id)?.streams.delete(stream)
        if (stream.replaced) return
        const over = this.#over.get(organization.id)
        if (over) over.push(stream.lease)
        else this.#over.set(organization.id, [stream.lease])
      },
    })
  }

  #join(organization: Organization, stream: FeedStream): void {
    if (stream.ended) return
    this.#endFormer(organization, stream.lease.point)
    this.#streams.set(`${organization.id} ${stream.lease.point}`, stream)
    this.#timer ??= setInterval(() => this.#tick(), this.#settings.pollMs)
    const feed = this.#feeds.get(organization.id) ?? this.#newFeed(organization)
    this.#feeds.set(organization.id, feed)
    const joining = feed.join(stream).catch((error: unknown) => {
      this.#parts.log.warn({ organization: organization.id, err: error }, 'a stream could not catch up')
      stream.end()
    })
    this.#goOn(joining)
  }

  #newFeed(organization: Organization): OrganizationFeed {
    const parts = { ...this.#parts, goOn: (work: Promise<void>) => this.#goOn(work) }
    return new OrganizationFeed(parts, organization, this.#settings)
  }

  #tick(): void {
    for (const [id, feed] of this.#feeds) {
      if (feed.place) this.#places.read(id, feed.place)
      if (feed.streams.size > 0) this.#goOn(feed.look())
      else this.#feeds.delete(id)
    }
    this.#goOn(this.#writeOver())
    if (this.#feeds.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #writeOver(): Promise<void> {
    const taken = [...this.#over]
    this.#over.clear()
    for (const [organization, leases] of taken) {
      const nowMs = this.#parts.clock.nowMs()
      const steps = leases.map((lease) => endLease(lease, nowMs))
      await commitSteps(this.#parts.store, organization, steps).catch((error: unknown) => {
        // The row then says that the lease may run longer than it does: an answer that is late, not wrong.
        this.#parts.log.warn({ organization, leases: leases.length, err: error }, 'ended leases not written')
      })
    }
  }

  async #onlyPoint(organization: Organization, resource: string, agent: string): Promise<string> {
    const alive = await leasesAliveAt(this.#parts.store.of(organization.id), this.#parts.clock.settledMs(), {
      resource,
    })
    const own = alive.filter(({ point }) => point.startsWith(pointName(resource, agent, '')))
    const [only] = own
    if (own.length === 1 && only) return only.point
    return refuse('validation_failed', {
      detail: 'point: name the one that acknowledges; the stream said what it is called.',
    })
  }
}

type First = { lease: Lease; batch: Batch; compact: string }
