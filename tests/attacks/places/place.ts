// What a place is, and the names of things that several places take.

import type { Outcome } from '../doors.ts'
import type { Stage } from '../stage.ts'

export type Place = {
  name: string
  /** The names of the things it is for. */
  takes: readonly string[]
  offer(stage: Stage, text: string): Promise<Outcome>
  /** Its code for anything else. `form`: the `typ` of what is signed, `chain`, or `word`. */
  says(form: string, name: string, text: string): string
  /** All that comes of what is refused. */
  leaves: readonly string[]
  /** It ends what it takes. */
  consumes?: true
  /** What reads it is what reads the place above: a part of all that is wrong must do. */
  alike?: true
  /** What it refuses it answers with 200, as its standard wants. */
  silent?: true
}

export const token = (...which: string[]) => which.map((one) => `an access token, ${one}`)
export const bearer = token('its own, bearer', 'delegated, bearer', 'taken over by an actor')
export const bound = [...token('its own, bound', 'delegated, bound')]
export const delegated = token('delegated, bearer', 'delegated, bound')
export const [ofFiles, ofOwn] = token('on behalf of the caller', 'for the authority’s own API') as [string, string]
export const actors = 'the actor’s own access token'
export const foreign = 'an access token of another organization'
export const roots = ['a statement by a person’s key', 'a statement attested by the authority']
export const assertions = ['a client assertion', 'a client assertion that says JWT']
export const administrator = 'an administrator’s secret'

export const refusedClient = ['used assertion', 'record token.refused']
/** Two of the tokens are not for this audience, and one is of another issuer. */
export const otherwiseToken = (form: string, name: string, audience: string, unreadable = 'token_malformed') => {
  if (form === 'at+jwt') return name === foreign ? 'issuer_untrusted' : audience
  return form === 'chain' || form === 'word' ? unreadable : 'type_mismatch'
}

export const inHeader = /^[A-Za-z0-9._~+/-]+=*$/

export function saysOfStatements(otherChain: string): Place['says'] {
  return (form, name) => {
    if (name === 'a person’s statement by the organization’s key') return 'delegator_unknown'
    if (name === 'an attestation by a person’s key') return 'delegator_unknown'
    // A link whose chain is not with it.
    if (name === 'a statement by an agent’s key, alone') return 'malformed'
    if (form === 'chain') return otherChain
    return form === 'word' ? 'malformed' : 'type_mismatch'
  }
}
