import { sequenceAll } from '../audit/index.ts'
import type { Services } from '../services.ts'
import { rotateDue } from '../tokens/index.ts'
import { startSchedule } from './schedule.ts'

const seconds = 1_000

/**
 * Starts the periodic work of this process. Every job is safe on several processes at once.
 *
 * @returns `stop`: ends it after the runs in progress, and brings the log up to date once more.
 */
export function startSweeping(services: Services): { stop(): Promise<void> } {
  const { clock, log, refusals, feed } = services
  const schedule = startSchedule(log, [
    { name: 'give records their places', everyMs: 0.2 * seconds, run: () => sequenceAll(services) },
    { name: 'look whether the store went back', everyMs: 1 * seconds, run: () => feed.lookBack() },
    { name: 'record counted refusals', everyMs: 10 * seconds, run: () => refusals.flush() },
    { name: 'rotate signing keys', everyMs: 30 * seconds, run: () => rotateDue(services) },
    { name: 'delete what has expired', everyMs: 60 * seconds, run: () => sweep(services) },
    { name: 'follow the wall clock', everyMs: 10 * seconds, run: () => requireWallClock(clock) },
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

/** By the time that no jump of the clock has brought about: a replay id that goes too early lets its assertion in again. */
function sweep({ store, clock }: Pick<Services, 'store' | 'clock'>): Promise<void> {
  return store.sweep(Math.floor(clock.settledMs() / 1_000))
}

/** Said in the log when it begins and when it is over, as whatever goes wrong from time to time. */
async function requireWallClock(clock: Services['clock']): Promise<void> {
  const aheadMs = clock.aheadMs()
  if (aheadMs < 2 * seconds) return
  throw new Error(
    `The wall clock was set back by ${Math.round(aheadMs / 1_000)} s, and time goes on from where it was. ` +
      'If it had been ahead by mistake, restart the authority.',
  )
}
