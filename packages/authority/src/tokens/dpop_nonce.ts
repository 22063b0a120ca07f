import { createHmac, timingSafeEqual } from 'node:crypto'
import { base64url, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { organizationSecret } from './secrets.ts'

// RFC 9449 §8. A nonce is a window of time and an HMAC over it: every node of the authority accepts every other's, and none
// keeps a list. That a proof works only once is the matter of its jti.
const windowMs = 60_000
/** The window of the nonce, and the two after it. */
const windowsAccepted = 3

const secretName = 'dpop_nonce'

/** A nonce of the present window. */
export async function freshNonce(services: Services, organization: Organization): Promise<string> {
  return nonceOf(await organizationSecret(services, organization, secretName), currentWindow(services))
}

/** A check that refuses `nonce_required` unless the nonce of a proof is one of ours and recent. */
export async function acceptNonce(
  services: Services,
  organization: Organization,
): Promise<(nonce: string | undefined) => void> {
  const secret = await organizationSecret(services, organization, secretName)
  return (nonce) => {
    if (nonce === undefined) refuse('nonce_required')
    const now = currentWindow(services)
    for (let back = 0; back < windowsAccepted; back++) {
      if (same(nonce, nonceOf(secret, now - back))) return
    }
    // A node whose clock is slightly ahead has given it out.
    if (same(nonce, nonceOf(secret, now + 1))) return
    refuse('nonce_required')
  }
}

function currentWindow({ clock }: Services): number {
  return Math.floor(clock.nowMs() / windowMs)
}

function nonceOf(secret: Uint8Array, window: number): string {
  return base64url.encode(createHmac('sha256', secret).update(`dpop nonce ${window}`).digest().subarray(0, 18))
}

function same(shown: string, expected: string): boolean {
  const text = Buffer.from(shown)
  const ours = Buffer.from(expected)
  return text.length === ours.length && timingSafeEqual(text, ours)
}
