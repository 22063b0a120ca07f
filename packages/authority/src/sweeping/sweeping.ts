import { sequenceAll } from '../audit/index.ts'
import { nowSeconds, type Services } from '../services.ts'
import { rotateDue } from '../tokens/index.ts'
import { startSchedule } from './schedule.ts'

const seconds = 1_000

/**
 * Starts the periodic work of this process. Every job is safe on several processes at once.
 *
 * @returns `stop`: ends it after the runs in progress, and brings the log up to date once more.
 */
export function startSweeping(services: Services): { stop(): Promise<void> } {
  const { store, clock, log, refusals, feed } = services
  const schedule = startSchedule(log, [
    { name: 'give records their places', everyMs: 0.2 * seconds, run: () => sequenceAll(services) },
    { name: 'look whether the store went back', everyMs: 1 * seconds, run: () => feed.lookBack() },
    { name: 'record counted refusals', everyMs: 10 * seconds, run: () => refusals.flush() },
    { name: 'rotate signing keys', everyMs: 30 * seconds, run: () => rotateDue(services) },
    { name: 'delete what has expired', everyMs: 60 * seconds, run: () => store.sweep(nowSeconds(clock)) },
  ])
  return {
    async stop() {
      await schedule.stop()
      await refusals.flush()
      await sequenceAll(services).catch((error: unknown) => {
        log.warn({ err: error }, 'some records wait for their places until the next start')
      })
    },
  }
}
