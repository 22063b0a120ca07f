// F31-F33: less memory, fewer files and less time than it would like. The authority sheds, answers whoever asks for its health, and
// finds back; and no request costs more than its share.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, type Deployment, deploy } from './deployment.ts'
import { inputs } from './limits_inputs.ts'
import { memoryRoom, memoryRoomMissing } from './limits_memory.ts'
import { Belongings, loadUntil } from './load.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'
import { Stage } from './stage.ts'

vi.setConfig({ testTimeout: isLong ? 900_000 : 120_000 })

let deployment: Deployment | undefined
afterEach(async () => {
  await deployment?.remove()
  deployment = undefined
})

const statusAt = async (url: string) => {
  const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(10_000) })
  await answer.body?.cancel()
  return answer.status
}

/** So many sockets, of an address of their own, that say nothing, and come again whenever they are closed. */
function idle(port: number, count: number): { taken(): number; stop(): void } {
  const sockets = new Set<Socket>()
  let stopped = false
  let taken = 0
  const open = () => {
    if (stopped) return
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    sockets.add(socket)
    socket.on('connect', () => {
      taken += 1
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(open, 50)
    })
  }
  for (let n = 0; n < count; n++) open()
  return {
    taken: () => taken,
    stop() {
      stopped = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a process that may open 128 files answers while idle connections want all of them (F32)', async (context) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) context.skip('prlimit is not here')
  const seed = newSeed()
  deployment = await deploy('sqlite', { through: ['prlimit', '--nofile=128:128', '--'] })
  const [process] = deployment.processes as [AuthorityProcess]
  const stage = await setStage(deployment, new Chance(seed))
  const crowd = idle(Number(new URL(process.url).port), 200)
  try {
    await expect.poll(() => crowd.taken()).toBeGreaterThan(200)
    for (let n = 0; n < 10; n++) {
      expect(await statusAt(`${process.url}/healthz`)).toBe(200)
      expect(await statusAt(`${process.url}/readyz`)).toBe(200)
      await sleep(20)
    }
    const [agent] = stage.steady
    if (!agent) throw new Error('the stage is empty')
    expect((await stage.askToken(agent))?.status).toBe(200)
    const end = { path: '/v1/agents/stoppable-one/suspend', json: {} }
    const { id = '' } = stage.stoppable[0] ?? {}
    expect((await stage.ask({ do: 'suspend', id }, end))?.status).toBe(200)
    crowd.stop()
    expect((await stage.askToken(agent))?.status).toBe(200)
    expect(process.isGone).toBe(false)
    expect(await check(stage.ledger.entries, await observe(stage)), `FAULT_SEED=${seed}`).toEqual([])
  } finally {
    crowd.stop()
  }
})

/** Of the processor, in milliseconds. The kernel counts in hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Of one request, all threads together. Ten times what the worst took when this was written. */
const mostCpuMs = 250
const times = isLong ? 20 : 2

test('no request, of those that may be sent, holds up the others for long (F33)', async (context) => {
  if (!existsSync('/proc/self/stat')) context.skip('there is no /proc here')
  deployment = await deploy('sqlite')
  const [process] = deployment.processes as [AuthorityProcess]
  const stage = await setStage(deployment, new Chance(1))
  const costs: Array<{ name: string; ms: number; status: number }> = []
  for (const { name, send } of await inputs(stage)) {
    // What is compiled and remembered at first is no part of it.
    const status = await send()
    const before = cpuMs(process.pid)
    for (let n = 0; n < times; n++) await send()
    costs.push({ name, status, ms: (cpuMs(process.pid) - before) / times })
    expect(await statusAt(`${process.url}/healthz`)).toBe(200)
  }
  costs.sort((one, other) => other.ms - one.ms)
  console.log(
    costs
      .slice(0, 8)
      .map(({ name, ms, status }) => `${ms.toFixed(1)} ms  ${name} (${status})`)
      .join('\n'),
  )
  expect(costs.filter(({ ms }) => ms > mostCpuMs)).toEqual([])
  expect(costs.filter(({ status }) => status >= 500)).toEqual([])
})

const megabyte = 1_048_576

test('what may be sent at once does not fill the memory (F31)', async (context) => {
  const room = memoryRoom(256 * megabyte)
  if (!room) return context.skip(memoryRoomMissing)
  try {
    deployment = await deploy('sqlite', { through: room.through })
    const [process] = deployment.processes as [AuthorityProcess]
    const stage = await setStage(deployment, new Chance(1))
    const corpus = await inputs(stage)
    const before = room.inUse()
    const statuses = new Set<number>()
    for (let round = 0; round < (isLong ? 40 : 1); round++) {
      // Some of them are shed, or cut off; that is an answer too.
      const sent = corpus.flatMap((input) => Array.from({ length: 8 }, () => input.send().catch(() => 503)))
      for (const status of await Promise.all(sent)) statuses.add(status)
    }
    console.log(`${Math.round(before / megabyte)} MB before, ${Math.round(room.peak() / megabyte)} MB at most`)
    expect(process.isGone).toBe(false)
    expect([...statuses].filter((status) => status >= 500 && status !== 503)).toEqual([])
    expect(Math.min(...statuses)).toBeLessThan(500)
    expect(await statusAt(`${process.url}/healthz`)).toBe(200)
    const [agent] = stage.steady
    expect(agent && (await stage.askToken(agent))?.status).toBe(200)
  } finally {
    await deployment?.remove()
    deployment = undefined
    room.remove()
  }
})

test('killed for want of memory, it loses nothing acknowledged (F31, F02)', async (context) => {
  const seed = newSeed()
  const room = memoryRoom(4_096 * megabyte)
  if (!room) return context.skip(memoryRoomMissing)
  try {
    deployment = await deploy('sqlite', { through: room.through })
    const [process] = deployment.processes as [AuthorityProcess]
    const stage = await setStage(deployment, new Chance(seed))
    // Of another organization: what these obtain is in no ledger.
    const other = await deployment.createOrganization('other')
    const corpus = await inputs(await Stage.set(other, join(deployment.directory, 'other.jsonl'), () => process.url))
    const mine = new Belongings()
    const load = loadUntil(() => process.isGone, { stage, seed, mine })
    const began = stage.ledger.entries.length
    await expect.poll(() => stage.ledger.entries.length).toBeGreaterThan(began + 100)
    // Less and less, until the kernel has none to give.
    for (let less = 1; !process.isGone; less++) {
      try {
        room.limit(room.inUse() - less * 65_536)
      } catch {
        // It cannot take back what is in use: what is asked for next is too much.
      }
      await Promise.all(corpus.map((input) => input.send().catch(() => 503)))
    }
    await load
    room.limit(4_096 * megabyte)
    await process.start()
    expect(await check(stage.ledger.entries, await observe(stage)), `FAULT_SEED=${seed}`).toEqual([])
  } finally {
    await deployment?.remove()
    deployment = undefined
    room.remove()
  }
})
