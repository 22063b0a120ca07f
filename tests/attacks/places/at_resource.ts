// Where a resource takes what it is shown.

import { atVerifier } from '../doors.ts'
import { kept, proofTokens } from '../things.ts'
import { actors, bearer, bound, inHeader, otherwiseToken, type Place } from './place.ts'

export const atResource: Place[] = [
  {
    name: 'Authorization: Bearer at a resource',
    takes: bearer,
    offer: (stage, text) => atVerifier(stage, { authorization: `Bearer ${text}` }),
    says(form, name, text) {
      if ([...bound, actors].includes(name)) return 'proof_missing'
      return inHeader.test(text) ? otherwiseToken(form, name, 'audience_mismatch') : 'malformed'
    },
    leaves: [],
  },
  {
    name: 'DPoP at a resource',
    takes: ['a proof for a call of a resource'],
    async offer(stage, dpop) {
      return atVerifier(stage, { authorization: `DPoP ${await kept(stage, proofTokens.api)}`, dpop })
    },
    says(_form, name) {
      return name.startsWith('a proof for') ? 'proof_method_mismatch' : 'proof_invalid'
    },
    leaves: [],
  },
]
