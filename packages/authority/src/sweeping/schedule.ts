import type { Services } from '../services.ts'

/** Something to be done from time to time, once at a time. */
export type Job = { name: string; everyMs: number; run(): Promise<void> }

/** By how much of its period a job comes earlier or later, so that several processes do not work in step. */
const jitter = 0.2

/**
 * Runs each job from time to time until stopped. A job that fails is logged, when it begins to and when it works again, and
 * tried again at its next time.
 *
 * @returns `stop`: resolves when what was running has ended; nothing runs after that.
 */
export function startSchedule(log: Services['log'], jobs: readonly Job[]): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const loops = jobs.map((job) => repeat(log, job, stopping.signal))
  return {
    async stop() {
      stopping.abort()
      await Promise.all(loops)
    },
  }
}

async function repeat(log: Services['log'], { name, everyMs, run }: Job, stopping: AbortSignal): Promise<void> {
  let failing = false
  for (;;) {
    await pause(everyMs * (1 - jitter + 2 * jitter * Math.random()), stopping)
    if (stopping.aborted) return
    try {
      await run()
      if (failing) log.info({ job: name }, 'periodic work goes on')
      failing = false
    } catch (error) {
      if (!failing) log.error({ job: name, err: error }, 'periodic work failed; it will be tried again')
      failing = true
    }
  }
}

function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      stopping.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stopping.addEventListener('abort', done)
  })
}
