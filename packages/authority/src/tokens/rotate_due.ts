import type { Algorithm } from '@credence/protocol'
import type { Services } from '../services.ts'
import { rotateOne } from './rotation.ts'

const everyMs = 30_000

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
        const cause = error instanceof Error ? error.message : 'unknown'
        services.log.error({ organization: row.organization, cause }, 'signing key rotation failed')
      }
    }
    after = page.at(-1)?.organization
    if (after === undefined || page.length < 100) return
  }
}

/** Runs `rotateDue` now and then from time to time, one run at a time, until stopped. */
export function startRotation(services: Services): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  const run = () => {
    running = rotateDue(services).catch((error: unknown) => {
      const cause = error instanceof Error ? error.message : 'unknown'
      services.log.error({ cause }, 'signing key rotation failed')
    })
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  const again = () => {
    if (stopped) return
    run()
    running.finally(() => {
      if (stopped) return
      timer = setTimeout(again, everyMs)
      timer.unref()
    })
  }
  again()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
