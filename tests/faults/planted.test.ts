// The whole of it shown to work, the ledger and the looking included: data that lost something is found out, through public doors alone.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Chance, newSeed } from './chance.ts'
import { check, type Violation } from './check.ts'
import { type Deployment, deploy } from './deployment.ts'
import { keepData, putBack } from './kept.ts'
import { Belongings, loadUntil } from './load.ts'
import { observe } from './observe.ts'
import { setStage } from './rounds.ts'
import type { Stage } from './stage.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let deployment: Deployment
let stage: Stage
/** How far the ledger had come when the data was as kept. */
let entries: number

beforeAll(async () => {
  const seed = newSeed()
  deployment = await deploy('sqlite')
  stage = await setStage(deployment, new Chance(seed))
  const mine = new Belongings()
  await loadMore(60, mine, seed)
  await deployment.processes[0]?.kill()
  keepData(deployment.directory, 'early')
  await deployment.processes[0]?.start()
  await loadMore(200, mine, seed + 100)
  const { id } = stage.agent(stage.stoppable[0]?.id ?? '')
  await stage.ask({ do: 'resume', id }, { path: `/v1/agents/${id}/resume`, json: {} })
  await stage.ask({ do: 'suspend', id }, { path: `/v1/agents/${id}/suspend`, json: {} })
  await stage.ask({ do: 'rotate' }, { path: '/v1/signing-keys', json: {} })
  await deployment.processes[0]?.kill()
  keepData(deployment.directory, 'whole')
  entries = stage.ledger.entries.length
})
afterAll(() => deployment?.remove())

/** @param entries by how many the ledger grows at least. */
async function loadMore(entries: number, mine: Belongings, seed: number): Promise<void> {
  let stopped = false
  const wanted = stage.ledger.entries.length + entries
  const load = loadUntil(() => stopped, { stage, seed, mine })
  const enough = () => mine.tokens.length > 10 && mine.delegations.length > 3 && stage.ledger.entries.length >= wanted
  while (!enough()) await sleep(20)
  stopped = true
  await load
}

/** Puts kept data back, spoils it, starts on it, and says what the checker says. */
async function checkWith(kept: 'early' | 'whole', spoil?: (database: DatabaseSync) => void): Promise<Violation[]> {
  const { directory, processes } = deployment
  stage.ledger.entries.splice(entries)
  putBack(directory, kept)
  if (spoil) {
    const open = new DatabaseSync(join(directory, 'credence.db'))
    spoil(open)
    open.close()
  }
  await processes[0]?.start()
  const found = await check(stage.ledger.entries, await observe(stage))
  await processes[0]?.kill()
  return found
}

const rulesIn = (found: Violation[]) => new Set(found.map(({ rule }) => rule))

test('the data as the crash left it is green', async () => {
  expect(await checkWith('whole')).toEqual([])
})

test('data from before is red: something acknowledged is lost, and something revoked lives', async () => {
  const rules = rulesIn(await checkWith('early'))
  for (const rule of ['I1', 'I2', 'I4', 'I5'] as const) expect(rules).toContain(rule)
})

test('replay ids that do not outlive the process are red', async () => {
  const found = await checkWith('whole', (open) => open.exec('delete from replay_ids'))
  expect(rulesIn(found)).toEqual(new Set(['I2']))
})

test('a suspension that does not outlive the process is red', async () => {
  const back = `update standing set alive = 1 where id in (select id from agents where handle = 'stoppable-one')`
  const found = await checkWith('whole', (open) => open.exec(back))
  expect(rulesIn(found)).toEqual(new Set(['I1', 'I6']))
})

test('an end that the feed forgot is red', async () => {
  const found = await checkWith('whole', (open) => open.exec('delete from facts where seq = 2'))
  const rules = rulesIn(found)
  expect(rules).toContain('I5')
  // Whether somebody was told of this end, or only its record speaks of it, is the load's chance.
  expect(rules.has('I1') || rules.has('I6')).toBe(true)
})

test('a record that the log forgot is red, although the log was made again without it', async () => {
  const found = await checkWith('whole', (open) => {
    open.exec(`delete from audit_records where id =
      (select id from audit_records where cast(leaf as text) like '%token.issued%' limit 1)`)
    open.exec('update audit_records set position = null; delete from log_heads')
  })
  expect(rulesIn(found)).toEqual(new Set(['I4']))
})

test('a registration by halves is red', async () => {
  const found = await checkWith('whole', (open) => open.exec(`delete from agents where handle like 'new-%'`))
  expect(rulesIn(found)).toEqual(new Set(['I1', 'I6']))
})

test('a signing key that is lost is red', async () => {
  const found = await checkWith('whole', (open) => open.exec(`delete from signing_keys where state = 'published'`))
  expect(rulesIn(found)).toEqual(new Set(['I1', 'I6']))
})

test('a signing key that came without a record is red', async () => {
  const copied = (open: DatabaseSync) => {
    const columns = open
      .prepare(`select name from pragma_table_info('signing_keys')`)
      .all()
      .map(({ name }) => `${name}`)
    const values = columns.map((name) =>
      name === 'id' ? `'sgk_AAAAAAAAAAAAAAAAAAAAAA'` : name === 'state' ? `'retired'` : name,
    )
    open.exec(`insert into signing_keys (${columns}) select ${values} from signing_keys where state = 'active'`)
  }
  expect(rulesIn(await checkWith('whole', copied))).toEqual(new Set(['I6']))
})
