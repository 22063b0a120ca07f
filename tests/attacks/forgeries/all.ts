// A1 of the attack list: what can be wrong with a signed object, whatever it says.

import type { RefusalCode } from '@credence/protocol'
import type { Door } from '../doors.ts'
import type { Forgery } from './forging.ts'
import { encryptions, extensions, kids, notTypes, otherKeys, types } from './headers.ts'
import { algorithms, symmetric, wrongSignatures } from './signatures.ts'
import { json, otherTexts, structures } from './texts.ts'

/** Every forgery. A kind whose own `typ` is among the wrong ones leaves that one out. */
export const forgeries: readonly Forgery[] = [
  ...algorithms,
  ...symmetric,
  ...wrongSignatures,
  ...otherKeys,
  ...kids,
  ...extensions,
  ...encryptions,
  ...structures,
  ...json,
  ...types,
  ...notTypes,
  ...otherTexts,
]

export const typeOf: Record<Door['kind'], string> = {
  'access token': 'at+jwt',
  assertion: 'client-authentication+jwt',
  proof: 'dpop+jwt',
  statement: 'delegation+jwt',
}

/** What this kind's flaw is by this forgery; undefined: it is none. */
export function flawsOf({ name, flaws, but }: Forgery, kind: Door['kind']): readonly RefusalCode[] | undefined {
  if (name === `A23 typ "${typeOf[kind]}"`) return undefined
  const own = but?.[kind]
  if (own === null) return undefined
  return own === undefined ? flaws : [own]
}
