import {
  type AccessTokenClaims,
  type Batch,
  type Fact,
  generateSigningKey,
  importPublicKey,
  type JsonObject,
  newId,
  type PublicKey,
  type SigningKey,
  signAccessToken,
  signBatch,
  thumbprint,
  verifyClientAssertion,
  verifyDpopProof,
  type WhenStale,
} from '@credence/protocol'
import { type Agent, AgentKey, createAgent } from '../src/index.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ManualClock } from './manual_clock.ts'

type Stream = { send(batch: Batch): Promise<void>; end(): void; bytes(chunk: Uint8Array): void }

/** An authority made of the protocol's own functions, without a network: `fetch` is the only door. */
export class FakeIssuer {
  readonly issuer: string
  readonly org: string = newId('org')
  readonly clock: ManualClock
  readonly agentId: string = newId('agt')
  readonly clientId: string = 'spiffe://acme.example/agent/operator'
  readonly runtime: Runtime
  /** How often each path below the issuer was asked for. */
  readonly asked: Map<string, number> = new Map()
  readonly acknowledged: number[] = []
  /** Batches that were shown as proof of what is lost. */
  readonly shown: string[] = []
  readonly facts: Fact[] = []
  readonly statements: Map<string, string> = new Map()
  readonly delegatorKeys: Map<string, JsonObject> = new Map()
  readonly streams: Set<Stream> = new Set()
  leaseMs = 10_000
  whenStale: WhenStale = 'refuse'
  harmlessScopes: string[] = []
  proofMode = 'optional'
  tools: Array<{ name: string; scope: string }> = [
    { name: 'transfer', scope: 'ledger:write' },
    { name: 'statement', scope: 'ledger:read' },
  ]
  incarnation = 1
  /** What the authority's clock shows beside the test's. */
  clockAheadMs = 0
  reachable = true
  /** Requests for this path get no answer until they are given up. */
  swallows: string | undefined
  /** What it answers to whoever opens the stream: that it is busy, and this in Retry-After. */
  busyUntil: string | undefined
  metadata: JsonObject | undefined
  nonce: string | undefined
  introspectsActive = true
  tokenSeconds = 300
  /** What the stream tells first; a test that wants a gap takes it away. */
  firstBatch = true
  resource: string
  signing: SigningKey
  published: SigningKey[]
  #tokenAnswer: (() => Response | undefined) | undefined

  private constructor(made: { issuer: string; clock: ManualClock; signing: SigningKey; resource: string }) {
    this.issuer = made.issuer
    this.clock = made.clock
    this.signing = made.signing
    this.published = [made.signing]
    this.resource = made.resource
    this.runtime = { clock: made.clock, fetch: (input, init) => this.fetch(input, init), random: () => 0.5 }
  }

  static async open(
    clock: ManualClock,
    options: { issuer?: string; resource?: string; kid?: string } = {},
  ): Promise<FakeIssuer> {
    const kid = options.kid ?? newId('sgk')
    return new FakeIssuer({
      clock,
      issuer: options.issuer ?? 'https://authority.example/o/acme',
      resource: options.resource ?? 'https://api.example/ledger',
      signing: await generateSigningKey('ES256', { kid }),
    })
  }

  /** The agent that operates the resource here. */
  async operator(): Promise<Agent> {
    const key = await AgentKey.generate()
    this.#keys.set(`${this.clientId} ${key.kid}`, key.publicJwk)
    return createAgent({ issuer: this.issuer, clientId: this.clientId, key, ...this.runtime })
  }

  async agent(clientId: string, key: AgentKey): Promise<Agent> {
    this.#keys.set(`${clientId} ${key.kid}`, key.publicJwk)
    return createAgent({ issuer: this.issuer, clientId, key, ...this.runtime })
  }

  readonly #keys = new Map<string, JsonObject>()

  get head(): number {
    return this.facts.at(-1)?.seq ?? 0
  }

  get #now(): number {
    return Math.floor(this.clock.nowMs() / 1000)
  }

  async claims(more: Partial<AccessTokenClaims> = {}): Promise<AccessTokenClaims> {
    const clientId = more.client_id ?? 'spiffe://acme.example/agent/payer'
    const agent = more.agent ?? newId('agt')
    return {
      iss: this.issuer,
      aud: this.resource,
      sub: clientId,
      client_id: clientId,
      jti: newId('tok'),
      iat: this.#now,
      exp: this.#now + this.tokenSeconds,
      scope: 'ledger:read',
      org: this.org,
      agent,
      lineage: [
        [this.org, 0],
        [agent, 0],
      ],
      ...more,
    }
  }

  async token(more: Partial<AccessTokenClaims> = {}, key: SigningKey = this.signing): Promise<string> {
    return signAccessToken(key, await this.claims(more))
  }

  async boundTo(key: SigningKey): Promise<{ cnf: { jkt: string } }> {
    return { cnf: { jkt: await thumbprint(key.publicJwk) } }
  }

  /** Ends an id, and tells every open stream, unless they are to miss it. */
  async revoke(id: string, options: { missed?: boolean; epoch?: number } = {}): Promise<void> {
    const after = this.head
    const at_ms = this.#atMs
    const fact = { seq: after + 1, id, epoch: options.epoch ?? 1, cause: 'test', at_ms, forget_after: this.#now + 3600 }
    this.facts.push(fact)
    if (!options.missed) await this.tell(this.batch(after))
  }

  /** What the authority sends each second. */
  async heartbeat(): Promise<void> {
    await this.tell(this.batch(this.head))
  }

  async tell(batch: Batch): Promise<void> {
    await Promise.all([...this.streams].map((stream) => stream.send(batch)))
  }

  batch(after: number, own: Partial<Batch> = {}, limit = 1000): Batch {
    const facts = this.facts.filter(({ seq }) => seq > after).slice(0, limit)
    const { issuer: iss, org, incarnation, head } = this
    const start = Math.min(after, head)
    return {
      iss,
      org,
      incarnation,
      after: start,
      to: facts.at(-1)?.seq ?? start,
      head,
      facts,
      at_ms: this.#atMs,
      ...own,
    }
  }

  get #atMs(): number {
    return this.clock.nowMs() + this.clockAheadMs
  }

  /** Answers the next token requests otherwise, until it answers undefined. */
  answerTokensWith(answer: (() => Response | undefined) | undefined): void {
    this.#tokenAnswer = answer
  }

  count(path: string): number {
    return this.asked.get(path) ?? 0
  }

  async fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input)
    init.signal?.throwIfAborted()
    if (!this.reachable) throw new TypeError('fetch failed')
    const base = new URL(this.issuer)
    if (url.origin !== base.origin) throw new TypeError(`no such host: ${url.origin}`)
    if (url.pathname.startsWith('/.well-known/oauth-authorization-server')) return this.#answer('metadata', url, init)
    return this.#answer(url.pathname.slice(base.pathname === '/' ? 0 : base.pathname.length), url, init)
  }

  async #answer(path: string, url: URL, init: RequestInit): Promise<Response> {
    this.asked.set(path, this.count(path) + 1)
    if (path === this.swallows) return swallow(init.signal)
    if (path === '/revocations/stream' && this.busyUntil !== undefined) {
      return new Response('', { status: 503, headers: { 'retry-after': this.busyUntil } })
    }
    if (path === 'metadata') return Response.json(this.metadata ?? this.#metadata())
    if (path === '/jwks') return Response.json({ keys: this.published.map(({ publicJwk }) => publicJwk) })
    if (path === '/token') return this.#issue(new URLSearchParams(String(init.body)), new Headers(init.headers))
    if (path === '/v1/resources') {
      const { resource: audience, proofMode, tools } = this
      const item = { audience, proof_mode: proofMode, tools }
      return Response.json({ items: url.searchParams.get('audience') === audience ? [item] : [] })
    }
    if (path === '/introspect') return Response.json({ active: this.introspectsActive })
    if (path === '/revocations') return new Response(await signBatch(this.signing, this.#own(url)))
    if (path === '/revocations/stream') return this.#stream(url, init)
    if (path === '/revocations/acknowledgements') {
      const { seq, seen } = JSON.parse(String(init.body)) as { seq: number; seen?: string }
      if (seen === undefined) this.acknowledged.push(seq)
      else this.shown.push(seen)
      return new Response(null, { status: 204 })
    }
    if (path.startsWith('/statements/')) {
      const statement = this.statements.get(path.slice('/statements/'.length))
      return statement === undefined ? new Response(null, { status: 404 }) : new Response(statement)
    }
    if (path === '/delegator-keys') {
      const { holder, kid } = Object.fromEntries(url.searchParams)
      const jwk = this.delegatorKeys.get(`${holder} ${kid}`)
      return jwk === undefined ? new Response(null, { status: 404 }) : Response.json({ jwk })
    }
    return new Response(null, { status: 404 })
  }

  #metadata(): JsonObject {
    const { issuer } = this
    return {
      issuer,
      token_endpoint: `${issuer}/token`,
      introspection_endpoint: `${issuer}/introspect`,
      jwks_uri: `${issuer}/jwks`,
    }
  }

  async #issue(form: URLSearchParams, headers: Headers): Promise<Response> {
    const instead = this.#tokenAnswer?.()
    if (instead !== undefined) return instead
    const url = `${this.issuer}/token`
    const assertion = form.get('client_assertion') ?? ''
    const keyOf = async (clientId: string, kid: string) => this.#publicKey(`${clientId} ${kid}`)
    const { clientId } = await verifyClientAssertion(assertion, { issuer: this.issuer, now: this.#now, keyOf })
    let nonce: string | undefined
    const proof = await verifyDpopProof(headers.get('dpop') ?? '', {
      method: 'POST',
      url,
      now: this.#now,
      nonce: (value) => {
        nonce = value
      },
    })
    if (this.nonce !== undefined && nonce !== this.nonce) {
      return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': this.nonce } })
    }
    const scope = form.get('scope') ?? 'ledger:read'
    const aud = form.get('resource') ?? ''
    const token = await this.token({ client_id: clientId, sub: clientId, aud, scope, cnf: { jkt: proof.jkt } })
    return Response.json({ access_token: token, token_type: 'DPoP', expires_in: this.tokenSeconds, scope })
  }

  async #publicKey(name: string): Promise<PublicKey | undefined> {
    const jwk = this.#keys.get(name)
    return jwk === undefined ? undefined : importPublicKey(jwk)
  }

  #own(url: URL): Batch {
    const nonce = url.searchParams.get('nonce')
    const own = {
      lease_ms: this.leaseMs,
      resource: this.resource,
      when_stale: this.whenStale,
      ...(this.whenStale === 'harmless_reads' && { harmless_scopes: this.harmlessScopes }),
      ...(nonce !== null && { nonce }),
    }
    return this.batch(Number(url.searchParams.get('after')), own)
  }

  async #stream(url: URL, init: RequestInit): Promise<Response> {
    const encoder = new TextEncoder()
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    let isOpen = true
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        controller = given
      },
      cancel: () => {
        isOpen = false
        this.streams.delete(stream)
      },
    })
    const stream: Stream = {
      send: async (batch) => {
        const compact = await signBatch(this.signing, batch)
        const event = encoder.encode(`event: batch\nid: ${batch.to}\ndata: ${compact}\n\n`)
        // Whoever listened may have gone meanwhile.
        if (isOpen) controller?.enqueue(event)
      },
      bytes: (chunk) => controller?.enqueue(chunk),
      end: () => {
        isOpen = false
        this.streams.delete(stream)
        controller?.close()
      },
    }
    const { signal } = init
    signal?.throwIfAborted()
    signal?.addEventListener('abort', () => {
      isOpen = false
      this.streams.delete(stream)
      try {
        controller?.error(new DOMException('aborted', 'AbortError'))
      } catch {
        // Ended before.
      }
    })
    if (this.firstBatch) await stream.send(this.#own(url))
    this.streams.add(stream)
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}

function swallow(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}
