// What a signed object can say wrongly, all of it signed with the right key.

import type { Door } from '../doors.ts'
import { assertion } from './assertion_claims.ts'
import { changed, nameOf, type Row } from './changing.ts'
import type { Forgery } from './forging.ts'
import { proof } from './proof_claims.ts'
import { statement } from './statement_claims.ts'
import { accessToken } from './token_claims.ts'

const rows: Record<Door['kind'], Row[]> = { 'access token': accessToken, assertion, proof, statement }

/** All that a thing of this kind can say wrongly. */
export function claimsOf(kind: Door['kind']): Forgery[] {
  return rows[kind].flatMap(([flaw, changes]) =>
    changes.map((change): Forgery => ({ name: nameOf(change), flaws: [flaw], forge: changed(change) })),
  )
}
