import { isRefusal, type RefusalCode, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import { type PresentedToken, verifyPresented } from '../tokens/index.ts'

/** A subject or actor token, by the one verifier. Whatever is wrong with it, a revoked ancestor apart, is `otherwise`. */
export async function presentedToken(
  services: Services,
  organization: Organization,
  token: string,
  otherwise: RefusalCode,
): Promise<PresentedToken> {
  try {
    return await verifyPresented(services, organization, token)
  } catch (error) {
    // That it was revoked is worth knowing to whoever holds it: nothing but new authority will help.
    if (!isRefusal(error) || error.code === 'revoked' || error.status >= 500) throw error
    return refuse(otherwise, { cause: error })
  }
}
