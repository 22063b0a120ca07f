import {
  clientAssertionType,
  createDpopProof,
  type JsonObject,
  type RefusalCode,
  refusals,
  refuse,
  type SigningKey,
  signClientAssertion,
} from '@credence/protocol'
import { type Endpoints, endpointsOf } from '../metadata.ts'
import { type Answer, ask, readObject } from '../network.ts'
import type { Runtime } from '../runtime.ts'
import { AccessToken } from './access_token.ts'
import type { Nonces } from './nonces.ts'

/** How an agent proves itself to the authority. A secret is the last resort: it can be copied. */
export type ClientCredential = { key: SigningKey } | { clientSecret: string } | { apiKey: string }

/** The authority as one agent sees it: discovery, client authentication, and the token endpoint. */
export class Authority {
  readonly issuer: string
  readonly #endpoint: Endpoints
  readonly #clientId: string
  readonly #credential: ClientCredential
  readonly #proofKey: () => Promise<SigningKey>
  readonly #nonces: Nonces
  readonly #runtime: Runtime

  constructor(made: {
    issuer: string
    clientId: string
    credential: ClientCredential
    proofKey: () => Promise<SigningKey>
    nonces: Nonces
    runtime: Runtime
  }) {
    this.issuer = made.issuer
    this.#clientId = made.clientId
    this.#credential = made.credential
    this.#proofKey = made.proofKey
    this.#nonces = made.nonces
    this.#runtime = made.runtime
    this.#endpoint = endpointsOf(this.#runtime, this.issuer)
  }

  /**
   * One token request (RFC 6749 §4.4, RFC 8693), bound to the agent's key (RFC 9449).
   *
   * @throws Refusal with the authority's own code, or `authority_unreachable`, `authority_answer_invalid`
   */
  async requestToken(form: Record<string, string>, resource: string): Promise<AccessToken> {
    const tokenEndpoint = await this.#endpoint('token_endpoint')
    const sentAtMs = this.#runtime.clock.nowMs()
    const body = await this.#post(tokenEndpoint, { ...form, resource }, { proven: true })
    const { access_token: value, token_type: type, expires_in: lifetime, scope } = body
    const isToken = typeof value === 'string' && value !== '' && typeof lifetime === 'number' && lifetime > 0
    if (!isToken || typeof type !== 'string') return refuse('authority_answer_invalid')
    return new AccessToken({
      value,
      resource,
      scope: typeof scope === 'string' ? scope : (form.scope ?? ''),
      type: type.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer',
      expiresAtMs: sentAtMs + lifetime * 1000,
    })
  }

  /** RFC 7662. The answer is what the authority says; `active` decides. */
  async introspect(token: string): Promise<JsonObject & { active: boolean }> {
    const introspectionEndpoint = await this.#endpoint('introspection_endpoint')
    const body = await this.#post(introspectionEndpoint, { token }, { proven: false })
    if (typeof body.active !== 'boolean') return refuse('authority_answer_invalid')
    return { ...body, active: body.active }
  }

  async #post(url: string, form: Record<string, string>, { proven }: { proven: boolean }): Promise<JsonObject> {
    let answer = await this.#postOnce(url, form, proven)
    // One retry, and only when the server has just given the nonce it asks for.
    if (answer.status === 400 && proven && this.#nonces.learn(url, answer.headers) && asksForNonce(answer)) {
      answer = await this.#postOnce(url, form, proven)
    }
    this.#nonces.learn(url, answer.headers)
    if (answer.status !== 200) return refuseAs(answer)
    return readObject(answer.text)
  }

  async #postOnce(url: string, form: Record<string, string>, proven: boolean): Promise<Answer> {
    const headers = new Headers({ 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' })
    const body = new URLSearchParams(form)
    const now = Math.floor(this.#runtime.clock.nowMs() / 1000)
    if ('key' in this.#credential) {
      // The audience is the issuer this agent was configured with, never one a document supplied (RFC 7523bis).
      const about = { clientId: this.#clientId, issuer: this.issuer, now }
      body.set('client_id', this.#clientId)
      body.set('client_assertion_type', clientAssertionType)
      body.set('client_assertion', await signClientAssertion(this.#credential.key, about))
    } else if ('clientSecret' in this.#credential) {
      const pair = `${encodeForm(this.#clientId)}:${encodeForm(this.#credential.clientSecret)}`
      headers.set('authorization', `Basic ${btoa(pair)}`)
    } else {
      headers.set('authorization', `Bearer ${this.#credential.apiKey}`)
    }
    if (proven) {
      const nonce = this.#nonces.of(url)
      const about = { method: 'POST', url, now, ...(nonce !== undefined && { nonce }) }
      headers.set('dpop', await createDpopProof(await this.#proofKey(), about))
    }
    return ask(this.#runtime, url, { method: 'POST', headers, body: body.toString() })
  }
}

/** RFC 6749 §2.3.1: both parts of Basic are form-encoded first. */
function encodeForm(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice(2)
}

function asksForNonce(answer: Answer): boolean {
  try {
    return readObject(answer.text).error === 'use_dpop_nonce'
  } catch {
    return false
  }
}

/** The authority's refusal, as ours when the table has its code. Nothing else of the answer is repeated. */
function refuseAs(answer: Answer): never {
  let body: JsonObject = {}
  try {
    body = readObject(answer.text)
  } catch {
    // Not from the authority's own error writer: a proxy's page, a cut answer.
  }
  const code = body.error_code ?? body.code
  if (typeof code === 'string' && Object.hasOwn(refusals, code)) return refuse(code as RefusalCode)
  return refuse('authority_unreachable', { detail: `It answered ${answer.status}.` })
}
