import type { Algorithm } from '@credence/protocol'
import type { Services } from '../services.ts'
import { rotateOne } from './rotation.ts'

/** Takes every organization's signing keys one step further if their time has come. */
export async function rotateDue(services: Services): Promise<void> {
  let after: string | undefined
  for (;;) {
    const page = await services.store.global.organizations({ ...(after !== undefined && { after }), limit: 100 })
    for (const row of page) {
      try {
        await rotateOne(services, { id: row.organization, signingAlgorithm: row.signing_algorithm as Algorithm })
      } catch (error) {
        // One organization's trouble must not keep the others' keys from rotating.
        services.log.error({ organization: row.organization, err: error }, 'signing key rotation failed')
      }
    }
    after = page.at(-1)?.organization
    if (after === undefined || page.length < 100) return
  }
}
