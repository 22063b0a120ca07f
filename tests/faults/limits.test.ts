// F31, F32: less memory, or fewer files, than it would like. The authority sheds, answers whoever asks for its health, and finds back.

import { spawnSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check } from './check.ts'
import { type AuthorityProcess, type Deployment, deploy } from './deployment.ts'
import { observe } from './observe.ts'
import { isLong, setStage } from './rounds.ts'

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
