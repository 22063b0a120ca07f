import {
  accessTokenType,
  delegationType,
  type JsonObject,
  refuse,
  type SigningKey,
  tokenExchangeGrant,
} from '@credence/protocol'
import { once } from '../once.ts'
import { printAsText } from '../printed.ts'
import { type Runtime, runtimeOf } from '../runtime.ts'
import { type Permitted, tokenTextOf } from '../verifier/verdict.ts'
import type { AccessToken } from './access_token.ts'
import { Authority, type ClientCredential } from './authority.ts'
import { call } from './calls.ts'
import { delegate, type Handover } from './delegate.ts'
import { accept, type Delegation } from './delegation.ts'
import { AgentKey } from './key.ts'
import { Nonces } from './nonces.ts'
import { Tokens } from './tokens.ts'

export type AgentOptions = ClientCredential & {
  /** The authority, as it names itself; compared byte by byte. */
  issuer: string
  /** The agent's SPIFFE ID. */
  clientId: string
  /** SPIFFE ID of this running copy, when the key is an instance's. */
  instance?: string
} & Partial<Runtime>

/** What a token is for. */
export type Wanted = {
  /** Audience of the resource. */
  resource: string
  /** Space-separated, or a list; absent: all that the authority would give. */
  scope?: string | readonly string[]
  task?: string
  /** Act for its principal. Absent: the agent acts for itself. */
  delegation?: Delegation | string
}

/** The call a resource answers: its verdict, or the token it came with. */
export type Called = Permitted | string

export type Agent = {
  readonly issuer: string
  readonly clientId: string
  /** A token from the cache, renewed ahead of its expiry, or a new one. */
  token(wanted: Wanted): Promise<AccessToken>
  /**
   * `fetch` that signs the call. Never sends a token to another origin than its resource's. `onBehalfOf`: the verdict on the
   * call that this one is made for, instead of a delegation.
   */
  fetch(url: string | URL, init: RequestInit & Wanted & { onBehalfOf?: Called }): Promise<Response>
  /** Hands on, offline, what was received as `parent`; without it, what the agent may do for itself. */
  delegate(handover: Handover & { parent?: Delegation | string }): Promise<string>
  /** Reads a chain that was handed to this agent. */
  accept(chain: string): Promise<Delegation>
  /** For a resource's operator: a token to call onward with, in place of the one it was called with (RFC 8693). */
  onBehalfOf(called: Called, wanted: Omit<Wanted, 'delegation'>): Promise<AccessToken>
  /** For a resource's operator: asks the authority about a token (RFC 7662). */
  introspect(token: string): Promise<JsonObject & { active: boolean }>
}

/** An agent as its own software sees it. Makes no request until the first token is needed. */
export function createAgent(options: AgentOptions): Agent {
  return new RunningAgent(options)
}

class RunningAgent implements Agent {
  readonly issuer: string
  readonly clientId: string
  readonly #instance: string | undefined
  readonly #runtime: Runtime
  readonly #key: SigningKey | undefined
  readonly #proofKey: () => Promise<SigningKey>
  readonly #nonces = new Nonces()
  readonly #authority: Authority
  readonly #tokens: Tokens

  static {
    printAsText(RunningAgent.prototype)
  }

  constructor(options: AgentOptions) {
    this.issuer = options.issuer
    this.clientId = options.clientId
    this.#instance = options.instance
    this.#runtime = runtimeOf(options)
    this.#key = 'key' in options ? options.key : undefined
    const key = this.#key
    // Who has only a secret still binds its tokens, to a key of this process.
    this.#proofKey = key ? () => Promise.resolve(key) : once(() => AgentKey.generate())
    this.#tokens = new Tokens(this.#runtime)
    this.#authority = new Authority({
      issuer: options.issuer,
      clientId: options.clientId,
      credential: options,
      proofKey: this.#proofKey,
      nonces: this.#nonces,
      runtime: this.#runtime,
    })
  }

  token(wanted: Wanted): Promise<AccessToken> {
    const { resource, task, delegation } = wanted
    const scope = scopeText(wanted.scope)
    const chain = typeof delegation === 'object' ? delegation.chain : delegation
    const form: Record<string, string> = {
      ...(chain === undefined
        ? { grant_type: 'client_credentials' }
        : { grant_type: tokenExchangeGrant, subject_token: chain, subject_token_type: delegationType }),
      ...(scope !== undefined && { scope }),
      ...(task !== undefined && { task }),
    }
    const sorted = scope?.split(' ').sort()
    const name = JSON.stringify([resource, sorted ?? null, task ?? null, chain ?? null])
    return this.#tokens.get(name, () => this.#authority.requestToken(form, resource))
  }

  fetch(url: string | URL, init: RequestInit & Wanted & { onBehalfOf?: Called }): Promise<Response> {
    const { resource, scope, task, delegation, onBehalfOf, ...request } = init
    const wanted = { resource, ...pick({ scope, task, delegation }) }
    const exchanged = onBehalfOf === undefined ? undefined : once(() => this.onBehalfOf(onBehalfOf, wanted))
    const caller = {
      runtime: this.#runtime,
      nonces: this.#nonces,
      proofKey: this.#proofKey,
      tokenFor: exchanged ?? (() => this.token(wanted)),
      forget: (token: AccessToken) => this.#tokens.forget(token),
    }
    return call(caller, resource, url, request)
  }

  async delegate({ parent, ...handover }: Handover & { parent?: Delegation | string }): Promise<string> {
    if (this.#key === undefined) return refuse('key_unusable', { detail: 'An agent that has no key cannot sign.' })
    const delegator = { iss: this.clientId, issuer: this.issuer, key: this.#key, clock: this.#runtime.clock }
    return delegate(delegator, handover, typeof parent === 'object' ? parent.chain : parent)
  }

  accept(chain: string): Promise<Delegation> {
    const now = Math.floor(this.#runtime.clock.nowMs() / 1000)
    const instance = this.#instance
    const holder = { clientId: this.clientId, issuer: this.issuer, now }
    return accept(chain, instance === undefined ? holder : { ...holder, instance })
  }

  async onBehalfOf(called: Called, wanted: Omit<Wanted, 'delegation'>): Promise<AccessToken> {
    const subjectToken = typeof called === 'string' ? called : tokenTextOf(called)
    if (subjectToken === undefined) return refuse('subject_token_invalid')
    const scope = scopeText(wanted.scope)
    const form = {
      grant_type: tokenExchangeGrant,
      subject_token: subjectToken,
      subject_token_type: accessTokenType,
      ...(scope !== undefined && { scope }),
      ...(wanted.task !== undefined && { task: wanted.task }),
    }
    // Not cached: it lives and dies with the call it answers.
    return this.#authority.requestToken(form, wanted.resource)
  }

  introspect(token: string): Promise<JsonObject & { active: boolean }> {
    return this.#authority.introspect(token)
  }

  toJSON(): { issuer: string; clientId: string } {
    return { issuer: this.issuer, clientId: this.clientId }
  }

  toString(): string {
    return `Agent(${this.clientId})`
  }
}

function scopeText(scope: string | readonly string[] | undefined): string | undefined {
  return scope === undefined || typeof scope === 'string' ? scope : scope.join(' ')
}

/** Without the members that are undefined. */
function pick<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never
}
