/** Contestants that take turns in this process, round by round, so that what else the machine does falls on all of them alike. */

/** `run` is one call; `prepare` gets ready what the calls of one round use up, and is not measured. */
export type Contestant = {
  name: string
  calls: number
  prepare?(calls: number): Promise<void>
  run(call: number): unknown
}

/** Per round: calls per second, and CPU microseconds of all of the process's threads for each. */
export type Measured = { perSecond: number[]; cpu: number[] }

const ROUNDS = 5
const AT_ONCE = 32
const YIELD_EVERY = 1_000

/** The first round warms up and does not count. `ready`: is waited for before each turn. A call that throws ends the race. */
export const race = async (
  contestants: readonly Contestant[],
  ready: () => Promise<unknown>,
): Promise<Map<string, Measured>> => {
  const measured = new Map<string, Measured>(contestants.map(({ name }) => [name, { perSecond: [], cpu: [] }]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const contestant of contestants) {
      await ready()
      const { perSecond, cpu } = await once(contestant)
      if (round === 0) continue
      measured.get(contestant.name)?.perSecond.push(perSecond)
      measured.get(contestant.name)?.cpu.push(cpu)
    }
  }
  return measured
}

const once = async ({ calls, prepare, run }: Contestant): Promise<{ perSecond: number; cpu: number }> => {
  await prepare?.(calls)
  const before = process.cpuUsage()
  const started = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < calls) {
      await run(next++)
      // Some contestants never wait for anything, and what comes over the network must get its turn.
      if (next % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(before)
  return { perSecond: calls / seconds, cpu: (user + system) / calls }
}
