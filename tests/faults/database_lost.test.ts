// P6 under F03: failed and not persisted, failed but persisted, for everything that writes. A second try of the same request is told
// the truth: it has the effect that the first had not, or it has none, and what works once has worked once.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { note } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { isEffect } from './check.ts'
import { startDatabaseProxy } from './database_proxy.ts'
import { type Sending, type World, type Write, worldOf, writes } from './database_writes.ts'
import { deploy, tellLogs } from './deployment.ts'
import { startProxy } from './proxy.ts'
import { isLong, longMs, untilReady } from './rounds.ts'

type Told = { status: number; code?: string }

/** It would end what others rest on. */
const alone = 'POST /v1/signing-keys/{id}/revoke'
const together = writes.filter(({ name }) => name !== alone)

const timeout = isLong ? 900_000 : 120_000

const engines = [
  { engine: 'SQLite', store: async () => 'sqlite' },
  { engine: 'PostgreSQL', store: freshDatabase },
]

describe.each(isLong ? engines : engines.slice(0, 1))('on $engine', ({ engine, store }) => {
  test('the effect is there, and whoever asked for it hears nothing', { timeout }, async (context) => {
    const missing = engine === 'PostgreSQL' ? postgresMissing() : undefined
    if (missing) context.skip(missing)
    const deployment = await deploy(await store())
    const proxy = await startProxy(() => ({ host: '127.0.0.1', port: Number(new URL(deployment.origin).port) }))
    try {
      const world = await worldOf(deployment)
      const asked = await makeAll(world, together)
      const log = await logOf(world)
      proxy.down.held = true
      const unheard = asked.map(({ sending }) => send(sending, proxy.origin))
      const expected = sum(asked, ({ records }) => records.first)
      for (let seen = 0; seen < expected; seen += await log.more()) await sleep(50)
      proxy.cut()
      expect(new Set((await Promise.all(unheard)).map(({ status }) => status))).toEqual(new Set([0]))
      expect(await log.more()).toBe(0)
      for (const { write, sending } of asked) expectAgain(write, await send(sending))
      expect(await log.more()).toBe(sum(asked, ({ records }) => records.again))
    } finally {
      await proxy.stop()
      await deployment.remove()
    }
  })
})

test('SQLite cannot commit: another program has the file', { timeout }, async () => {
  const seed = newSeed()
  const chance = new Chance(seed)
  const deployment = await deploy('sqlite')
  try {
    const world = await worldOf(deployment)
    const asked = await makeAll(world, isLong ? together : chance.some(together, 10))
    const log = await logOf(world)
    // The authority may be writing just now.
    const other = new DatabaseSync(join(deployment.directory, 'credence.db'), { timeout: 10_000 })
    other.exec('begin immediate')
    const refused = await Promise.all(asked.map(({ sending }) => send(sending)))
    other.exec('rollback')
    other.close()
    for (const [n, told] of refused.entries())
      expect([asked[n]?.write.name, told]).toEqual([asked[n]?.write.name, { status: 503, code: 'storage_unavailable' }])
    expect(await log.more()).toBe(0)
    for (const { write, sending } of asked) expectDone(write, await send(sending))
    expect(await log.more()).toBe(sum(asked, ({ records }) => records.first))
    note({ engine: 'SQLite', rounds: 1, requests: 2 * asked.length, seed })
  } finally {
    console.log(`FAULT_SEED=${seed}`)
    await deployment.remove()
  }
})

/** Chunks that pass in one direction for any of these requests: beyond, nothing is hit. */
const longest = 10

test('PostgreSQL is cut off at each word of each request', { timeout }, async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  const seed = newSeed()
  const chance = new Chance(seed)
  const proxy = await startDatabaseProxy(await freshDatabase(), chance)
  const deployment = await deploy(proxy.url)
  try {
    const world = await worldOf(deployment)
    const places = writes.flatMap((write) =>
      (['requests', 'answers'] as const).flatMap((what) =>
        Array.from({ length: longest }, (_, chunks) => ({ write, what, chunks })),
      ),
    )
    const outcomes = { 'answered all the same': 0, 'not persisted': 0, persisted: 0 }
    const began = performance.now()
    // The first chunk of either way surely passes; how many follow it is the request's affair.
    const sure = (['requests', 'answers'] as const).map((what) => ({ write: chance.pick(writes), what, chunks: 0 }))
    for (const { write, what, chunks } of [...sure, ...chance.some(places, isLong ? places.length : 14)]) {
      if (performance.now() - began > longMs) break
      const sending = await write.make(world)
      const log = await logOf(world)
      const isKeyWaiting = await hasKeyWaiting(world)
      proxy.cutAfter(chunks, what)
      const first = await send(sending)
      proxy.cutAfter(Number.POSITIVE_INFINITY, what)
      await untilReady(deployment.origin)
      const left = await log.more()
      const second = await send(sending)
      const found = judge(write, { first, left, second, more: await log.more(), isKeyWaiting })
      expect(found, `FAULT_SEED=${seed}: ${write.name}, cut after ${chunks} ${what}`).toBeOneOf(Object.keys(outcomes))
      outcomes[found as keyof typeof outcomes] += 1
    }
    const tried = Object.values(outcomes).reduce((total, times) => total + times, 0)
    note({ engine: 'PostgreSQL', rounds: tried, requests: 2 * tried, seed })
    console.log(`FAULT_SEED=${seed}: ${JSON.stringify(outcomes)}, ${JSON.stringify(proxy.cuts)} cuts`)
    expect(proxy.cuts.requests).toBeGreaterThan(0)
    expect(proxy.cuts.answers).toBeGreaterThan(0)
  } catch (error) {
    tellLogs(deployment, seed)
    throw error
  } finally {
    await deployment.remove()
    await proxy.stop()
  }
})

type Course = { first: Told; left: number; second: Told; more: number; isKeyWaiting: boolean }

/** What became of it, or, in words of its own, what must not. */
function judge(write: Write, course: Course): string {
  const { first, left, second, more, isKeyWaiting } = course
  const { records } = write
  const isDone = second.status < 300
  const isAgain = write.again === 'done' || write.again === 'said again' ? isDone : second.code === write.again
  if (first.status < 300) {
    const told = left === records.first && isAgain && more === records.again
    return told ? 'answered all the same' : JSON.stringify(course)
  }
  // While a key waits to sign, another is not made beside it.
  if (write.name === 'POST /v1/signing-keys' && isKeyWaiting && second.code === 'conflict' && left + more === 0) {
    if (first.code === 'conflict') return 'answered all the same'
    if (first.status === 503) return 'not persisted'
  }
  if (first.status !== 503) return JSON.stringify(course)
  if (left === 0 && isDone && more === records.first && records.first > 0) return 'not persisted'
  if (left === records.first && isAgain && more === records.again) return 'persisted'
  // Without a record of its own, the second answer alone says which it was.
  if (records.first === 0 && left === 0 && more === 0 && isDone) return 'not persisted'
  // One commit prepares a key, another publishes it: what is on its way goes on by itself.
  if (write.name === 'POST /v1/signing-keys' && left === 1 && second.code === 'conflict' && more <= 1)
    return 'persisted'
  return JSON.stringify(course)
}

function expectAgain(write: Write, told: Told): void {
  if (write.again === 'done' || write.again === 'said again') expectDone(write, told)
  else expect([write.name, told.code]).toEqual([write.name, write.again])
}

function expectDone({ name }: Write, { status, code }: Told): void {
  expect([name, status < 300, code]).toEqual([name, true, undefined])
}

type Asked = { write: Write; sending: Sending }

async function makeAll(world: World, some: readonly Write[]): Promise<Asked[]> {
  const made: Asked[] = []
  for (const write of some) made.push({ write, sending: await write.make(world) })
  return made
}

function sum(asked: readonly Asked[], of: (write: Write) => number): number {
  return asked.reduce((total, { write }) => total + of(write), 0)
}

/** Status 0: no answer came. @param at another origin that leads to the same authority */
async function send({ method, url, headers, body }: Sending, at?: string): Promise<Told> {
  const to = at === undefined ? url : `${at}${new URL(url).pathname}`
  try {
    const signal = AbortSignal.timeout(20_000)
    const response = await fetch(to, { method, headers, signal, ...(body !== undefined && { body }) })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    const answer = isJson && text !== '' ? JSON.parse(text) : {}
    const code = response.status < 300 ? undefined : (answer.error_code ?? answer.code)
    return { status: response.status, ...(code && { code }) }
  } catch {
    return { status: 0 }
  }
}

/** How many effects the log has more than at the last look. What was refused has none. */
async function logOf({ acme }: World): Promise<{ more(): Promise<number> }> {
  let after = -1
  const more = async () => {
    // Whoever reads the head gives records their places first.
    await ok(acme.api('get', '/v1/audit/head'))
    let effects = 0
    for (;;) {
      const { records, next_after } = await ok(acme.api('get', `/v1/audit/records?after=${after}&limit=500`))
      // Refusals that were counted are recorded whenever their time has come.
      effects += records.filter(isEffect).length
      after = records.at(-1)?.position ?? after
      if (next_after === undefined) return effects
    }
  }
  await more()
  return { more }
}

async function hasKeyWaiting({ acme }: World): Promise<boolean> {
  const { items } = await ok(acme.api('get', '/v1/signing-keys'))
  return items.some(({ state }: { state: string }) => state === 'prepared' || state === 'published')
}

async function ok(answer: ReturnType<World['acme']['api']>) {
  const { status, body } = await answer
  if (status !== 200) throw new Error(`looking failed: ${status} ${JSON.stringify(body)}`)
  return body
}
