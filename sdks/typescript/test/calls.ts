import { createDpopProof, type SigningKey } from '@credence/protocol'
import type { ManualClock } from './manual_clock.ts'

export const target = 'https://api.example/ledger/entries'

/** A request as a holder of a bound token sends it; `proof` overrides what the proof says. */
export async function boundCall(
  token: string,
  key: SigningKey,
  clock: ManualClock,
  proof: Partial<Parameters<typeof createDpopProof>[1]> = {},
): Promise<Request> {
  const about = { method: 'GET', url: target, now: Math.floor(clock.nowMs() / 1000), accessToken: token, ...proof }
  const headers = { authorization: `DPoP ${token}`, dpop: await createDpopProof(key, about) }
  return new Request(target, { headers })
}

export function bearerCall(token: string): Request {
  return new Request(target, { headers: { authorization: `Bearer ${token}` } })
}
