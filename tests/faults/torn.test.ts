// F06: what was being written when the power went is there in part, as zeros, or as anything. What was acknowledged is there all the
// same; what was not is wholly there or wholly absent; and data that lost more than that is not started on.

import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig, startAuthority } from '@credence/authority'
import { expect, test, vi } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, type Deployment, deploy } from './deployment.ts'
import { keepData, putBack } from './kept.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import type { Stage } from './stage.ts'
import { play } from './syscalls_script.ts'

vi.setConfig({ testTimeout: isLong ? 3_600_000 : 120_000 })

const everydayMs = 2_000
/** Of SQLite's log: its own header, and before each page of 4 KiB another. */
const [header, frame] = [32, 24 + 4_096]

/** A request, and where the log ended before it was asked and after it was answered. */
type Written = { asked: number; answered: number; from: number; to: number }

/** Plays the script, and notes how the log grew with each request. */
async function playNoting(stage: Stage, log: string): Promise<Written[]> {
  const written: Written[] = []
  const { ledger } = stage
  const size = () => statSync(log).size
  const [asked, answered] = [ledger.asked.bind(ledger), ledger.answered.bind(ledger)]
  let from = 0
  ledger.asked = async (wish) => {
    from = size()
    const n = await asked(wish)
    written.push({ asked: ledger.entries.length - 1, answered: -1, from, to: -1 })
    return n
  }
  ledger.answered = async (n, answer) => {
    const last = written.at(-1)
    if (last) Object.assign(last, { to: size(), answered: ledger.entries.length })
    await answered(n, answer)
  }
  try {
    await play(stage, () => false)
  } finally {
    Object.assign(ledger, { asked, answered })
  }
  return written.filter(({ from, to }) => to > from)
}

/** What may be where the last writes were not finished. */
const tears: Record<string, (bytes: Buffer, at: number, chance: Chance) => Buffer> = {
  'nothing more': (bytes, at) => bytes.subarray(0, at),
  zeros: (bytes, at) => Buffer.from(bytes).fill(0, at),
  anything: (bytes, at, chance) => {
    const torn = Buffer.from(bytes)
    for (let place = at; place < torn.length; place++) torn[place] = Math.floor(chance.next() * 256)
    return torn
  },
  'what was there before': (bytes, at) => {
    const torn = Buffer.from(bytes)
    torn.copy(torn, at, header, Math.min(header + torn.length - at, at))
    return torn
  },
}

/** Around the ends of frames and of their headers, and anywhere. */
function placesIn({ from, to }: Written, chance: Chance): number[] {
  const places = new Set([from, to - 1, Math.floor(chance.between(from, to))])
  for (let start = from; start < to; start += frame) {
    for (const near of [
      start + 1,
      start + 4,
      start + 8,
      start + 16,
      start + 23,
      start + 24,
      start + 25,
      start + frame - 1,
    ]) {
      if (near < to) places.add(near)
    }
  }
  return [...places].filter((place) => place >= from && place < to)
}

test('the log of the store is torn within what was not acknowledged yet', async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const deployment = await deploy('sqlite')
  const { directory } = deployment
  const log = join(directory, 'credence.db-wal')
  const [process] = deployment.processes as [AuthorityProcess]
  try {
    const stage = await setStage(deployment, chance)
    const before = await observe(stage)
    await process.kill()
    await process.start()
    const first = stage.ledger.entries.length
    const written = await playNoting(stage, log)
    await process.kill()
    keepData(directory, 'kept')
    const entries = stage.ledger.entries.splice(0)
    const bytes = readFileSync(log)
    expect(written.length).toBeGreaterThan(5)
    expect(first).toBeLessThan(entries.length)

    const everywhere = written.flatMap((one) => placesIn(one, chance).map((at) => ({ one, at })))
    const began = performance.now()
    let tried = 0
    while (isLong ? tried < everywhere.length : tried < 1 || performance.now() - began < everydayMs) {
      const { one, at } = isLong ? (everywhere[tried] as (typeof everywhere)[number]) : chance.pick(everywhere)
      const [what, tear] = chance.pick(Object.entries(tears))
      tried += 1
      putBack(directory, 'kept')
      const torn = tear(bytes, at, chance)
      // Nothing was there before the very beginning, and some bytes are the same.
      writeFileSync(log, torn.equals(bytes) ? bytes.subarray(0, at) : torn)
      if (chance.next() < 0.5) writeFileSync(join(directory, 'credence.db-shm'), Buffer.alloc(32_768, 0xa5))
      // As its caller knows it: asked, and not answered.
      stage.ledger.entries.splice(0, Number.POSITIVE_INFINITY, ...entries.slice(0, one.asked + 1))
      await process.start()
      const found = await check(stage.ledger.entries, await observe(stage), before)
      expect(found, `${what} from ${at} on; FAULT_SEED=${seed}`).toEqual([])
      await process.kill()
    }
    console.log(`FAULT_SEED=${seed}: ${tried} of ${everywhere.length} places torn`)
  } finally {
    await deployment.remove()
  }
})

test('a store that was cut short is not started on, and that is said', async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  let deployment: Deployment | undefined
  try {
    deployment = await deploy('sqlite')
    const { directory } = deployment
    const file = join(directory, 'credence.db')
    const [process] = deployment.processes as [AuthorityProcess]
    await setStage(deployment, chance)
    await process.kill()
    // The start copies the log into it: from here on all that there is, is here.
    await process.start()
    await process.kill()
    keepData(directory, 'kept')
    const { size } = statSync(file)
    const began = performance.now()
    for (let tried = 0; tried < (isLong ? 100 : 3) && (isLong || performance.now() - began < everydayMs); tried++) {
      putBack(directory, 'kept')
      // Within its last page, which SQLite itself would fill up with zeros, or anywhere.
      const left = tried % 2 === 0 ? size - Math.ceil(chance.between(0, 4_095)) : Math.floor(chance.between(1, size))
      truncateSync(file, left)
      const said = await process.start().then(
        () => 'it starts',
        (error: Error) => error.message,
      )
      expect(said, `${left} of ${size} bytes; FAULT_SEED=${seed}`).toMatch(
        /storage_unavailable[\s\S]*credence\.db cannot be opened/,
      )
    }
  } finally {
    await deployment?.remove()
  }
})

test('a wrapping key of which only a part is there stops the start, and is not made anew', async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const deployment = await deploy('sqlite')
  await deployment.processes[0]?.kill()
  const directory = join(deployment.directory, 'dev')
  const settings = () =>
    parseConfig({
      mode: 'dev',
      environment: { CREDENCE_PORT: '0', CREDENCE_DIRECTORY: directory, CREDENCE_LOG_LEVEL: 'silent' },
      readFile: () => '',
    })
  try {
    const first = await startAuthority(settings())
    await first.stop()
    const path = join(directory, 'wrapping-key')
    const whole = readFileSync(path, 'utf8').trim()
    const everywhere = Array.from({ length: whole.length }, (_, index) => index)
    for (const length of isLong ? everywhere : [0, chance.pick(everywhere), chance.pick(everywhere)]) {
      const part = whole.slice(0, length)
      writeFileSync(path, part)
      await expect(startAuthority({ ...settings(), origin: first.url }), `${length} characters`).rejects.toMatchObject({
        code: expect.stringMatching(/^(config_invalid|config_missing|wrapping_key_missing|wrapping_key_wrong)$/),
      })
      expect(readFileSync(path, 'utf8')).toBe(part)
    }
    writeFileSync(path, `${whole}\n`)
    await (await startAuthority({ ...settings(), origin: first.url })).stop()
  } finally {
    await deployment.remove()
  }
})
