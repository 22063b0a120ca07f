import {
  type AccessTokenClaims,
  actorsOf,
  agentOf,
  type ChainHop,
  coversAll,
  importPublicKey,
  isJsonObject,
  type PublicKey,
  parseScope,
  readStatement,
  refuseAtUse as refuse,
  type Statement,
  subsumes,
  type VerifiedChain,
  verifyChain,
} from '@credence/protocol'
import { ask, readObject } from '../network.ts'
import type { Runtime } from '../runtime.ts'
import { Kept } from './kept.ts'
import type { KeySet } from './key_set.ts'

/**
 * One issuer's delegation statements, by hash, and the keys that signed them. Both never change, so each is fetched once.
 * With them the chain of a token can be verified back to the person, without trusting the token's own account of it.
 */
export class Statements {
  readonly #issuer: string
  readonly #keys: KeySet
  readonly #runtime: Runtime
  readonly #statements = new Kept<string>(10_000)
  readonly #delegatorKeys = new Kept<PublicKey>(10_000)

  constructor(runtime: Runtime, issuer: string, keys: KeySet) {
    this.#runtime = runtime
    this.#issuer = issuer
    this.#keys = keys
  }

  /**
   * Verifies every statement of a token's chain, and that the token carries no more than the chain gives.
   *
   * @returns undefined when there is no chain: the agent acts for itself
   * @throws Refusal of the first check that fails, in the order of `verifyChain`; `delegation_unknown` when a statement is not
   *   what its hash says; `claims_invalid` when the token tells of its chain otherwise than the statements do
   */
  async prove(claims: AccessTokenClaims, now: number): Promise<VerifiedChain | undefined> {
    const told = claims.delegation_chain
    if (told === undefined || told.length === 0) {
      // Whoever acts for another has been handed that by somebody.
      if (claims.sub !== claims.client_id) refuse('claims_invalid', { detail: 'delegation_chain' })
      return undefined
    }
    const compacts = await Promise.all(told.map(({ hash }) => this.#statement(hash)))
    const chain = await verifyChain(compacts, {
      authority: this.#issuer,
      now,
      keyOf: (signer, kid, statement) => this.#keyOf(signer, kid, statement),
      holder: { agent: claims.client_id, ...(claims.instance !== undefined && { instance: claims.instance }) },
    })
    checkToldTruly(claims, told, chain)
    return chain
  }

  #statement(hash: string): Promise<string> {
    return this.#statements.get(hash, async () => {
      const { status, text } = await ask(this.#runtime, `${this.#issuer}/statements/${encodeURIComponent(hash)}`)
      if (status !== 200) return refuse('delegation_unknown')
      const read = await readStatement(text)
      return read.hash === hash ? text : refuse('delegation_unknown', { detail: 'It is not what its hash says.' })
    })
  }

  async #keyOf(signer: string, kid: string, statement: Statement): Promise<PublicKey | undefined> {
    return statement.evidence.kind === 'attested' ? this.#keys.find(kid) : this.#delegatorKey(signer, kid)
  }

  #delegatorKey(holder: string, kid: string): Promise<PublicKey> {
    return this.#delegatorKeys.get(JSON.stringify([holder, kid]), async () => {
      const query = new URLSearchParams({ holder, kid })
      const { status, text } = await ask(this.#runtime, `${this.#issuer}/delegator-keys?${query}`)
      if (status !== 200) return refuse('delegator_unknown')
      const { jwk } = readObject(text)
      return isJsonObject(jwk) ? importPublicKey(jwk, kid) : refuse('delegator_unknown')
    })
  }
}

/** The token's summary of its chain, its principal, its actors and its reach, held against the statements themselves. */
function checkToldTruly(claims: AccessTokenClaims, told: readonly ChainHop[], chain: VerifiedChain): void {
  const untrue = (detail: string): never => refuse('claims_invalid', { detail })
  chain.hops.forEach(({ statement, hash }, place) => {
    const hop = told[place]
    const same =
      hop?.hash === hash &&
      hop.delegator === statement.iss &&
      hop.delegate === statement.delegate &&
      hop.exp === statement.exp &&
      hop.evidence === statement.evidence.kind
    if (!same) untrue('delegation_chain')
  })
  if (claims.sub !== chain.principal) untrue('sub')
  const delegates = chain.hops.map(({ statement }) => agentOf(statement.delegate)).reverse()
  const actors = actorsOf(claims)
  if (actors.length !== delegates.length || !actors.every((actor, place) => actor === delegates[place])) untrue('act')
  const leaf = chain.leaf.statement
  if (!leaf.aud.includes(claims.aud)) refuse('audience_mismatch')
  if (!coversAll(parseScope(leaf.scope), parseScope(claims.scope))) refuse('scope_not_granted')
  if (
    !subsumes(
      leaf.constraints ?? [],
      (claims.authorization_details ?? []).flatMap((detail) => detail.constraints),
    )
  ) {
    untrue('authorization_details')
  }
  if (claims.exp > leaf.exp) untrue('exp')
  if (leaf.task !== undefined && claims.task !== leaf.task) untrue('task')
  if (leaf.sid !== undefined && claims.sid !== leaf.sid) untrue('sid')
}
