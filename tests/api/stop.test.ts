// A stop in the middle of everything: it never fails, leaves nothing to fail later, and loses nothing that was answered.

import { afterEach, expect, test } from 'vitest'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { castOf } from '../cast.ts'
import { postgresMissing } from '../postgres.ts'
import { made, openPoint, type Point, registerOperator } from '../revocation/enforcement_point.ts'

const rounds = 4
let authority: TestAuthority | undefined
afterEach(async () => {
  await authority?.stop()
  authority = undefined
})

test('under load, again and again, on SQLite', { timeout: 240_000 }, async () => {
  authority = await startTestAuthority({ organizations: ['acme'], settings: { failuresPerMinute: 0 } })
  await stopsUnderLoad(authority, [])
  const complaints = authority.log.filter((line) => /"level":"(warn|error)"/.test(line))
  expect(complaints).toEqual([])
})

test('under load, again and again, on PostgreSQL', { timeout: 240_000 }, async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  const settings = { failuresPerMinute: 0 }
  authority = await startTestAuthority({ store: 'postgres', organizations: ['acme'], settings })
  // Its deadlines are shorter than a very busy machine is slow.
  await stopsUnderLoad(authority, [503])
})

/** @param besides what may be answered although all is well. */
async function stopsUnderLoad(running: TestAuthority, besides: number[]): Promise<void> {
  const acme = running.organizations.acme as TestOrganization
  const cast = castOf(acme)
  const operator = await registerOperator(acme, 'api', { max_staleness_ms: 600_000 })
  const itself = { capabilities: ['repo:*'], permissions: [{ resource: operator.audience, scope: 'repo:*' }] }
  const agent = await cast.agent('busy', await cast.person('Ada'), itself)
  const people: string[] = []
  const ended: Array<{ id: string; seq: number }> = []
  let [tokens, unauthorized, acknowledgements] = [0, 0, 0]
  const done = (status: number, wanted: number): boolean => {
    expect([wanted, ...besides]).toContain(status)
    return status === wanted
  }

  for (let round = 0; round < rounds; round++) {
    const points = await Promise.all(Array.from({ length: 12 }, () => openPoint(operator)))
    const reached = new Map<Point, number>()
    let stopping = false
    let over = false
    /** Goes on until it is turned away. */
    const untilStopped = async (ask: (n: number) => Promise<void>) => {
      try {
        for (let n = 0; !over; n++) await ask(n)
      } catch (error) {
        if (!stopping || (error as Error).name === 'AssertionError') throw error
      }
    }
    const several = (count: number, ask: (n: number) => Promise<void>) =>
      Array.from({ length: count }, () => untilStopped(ask))
    const before = people.length
    const load = [
      ...several(4, async (n) => {
        const { status, body } = await acme.api('post', '/v1/people', { name: `P${round}.${n}` })
        if (done(status, 201)) people.push(body.id)
      }),
      ...several(4, async () => {
        const answer = await cast.ask(agent, { grant_type: 'client_credentials', resource: operator.audience })
        if (done(answer.status, 200)) tokens += 1
      }),
      // From the second round on it waits for points that are gone, and so until the stop.
      ...several(1, async (n) => {
        const id = `task:${round}-${n}`
        const { status, body } = await acme.api('post', '/v1/revocations', { id, cause: 'first', wait_ms: 10_000 })
        if (done(status, 200)) ended.push({ id, seq: body.fact.seq })
      }),
      ...several(1, async () => {
        if (done((await fetch(`${acme.issuer}/v1/agents`)).status, 401)) unauthorized += 1
      }),
      ...points.map((point) =>
        untilStopped(async () => {
          const seq = point.state.cursor
          if ((await point.acknowledge(seq)) === 204) reached.set(point, seq)
        }),
      ),
    ]
    // In the middle of it, and in another middle each time.
    await expect.poll(() => people.length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(before + 10 + 7 * round)
    stopping = true
    await running.restart()
    over = true
    await Promise.all(load)
    await Promise.all(points.map((point) => point.ended))

    const last = ended.at(-1)
    if (!last) continue
    const again = await made(acme.api('post', '/v1/revocations', { id: last.id, cause: 'again' }))
    const known = [...reached.values()].filter((seq) => seq >= last.seq).length
    expect(again.acknowledged.points).toBeGreaterThanOrEqual(known)
    acknowledgements += known
  }

  expect(ended.length).toBeGreaterThanOrEqual(besides.length > 0 ? 1 : rounds)
  expect(acknowledgements).toBeGreaterThan(0)
  for (const { id } of ended) {
    const again = await made(acme.api('post', '/v1/revocations', { id, cause: 'again' }))
    expect(again).toMatchObject({ already_ended: true, cause: 'first' })
  }
  for (const id of people) expect((await acme.api('get', `/v1/people/${id}`)).status).toBe(200)
  expect(await recorded(acme, `&type=token.issued&agent=${agent.id}`)).toBeGreaterThanOrEqual(tokens)
  expect(await recorded(acme, '&type=refusals.counted')).toBeGreaterThanOrEqual(unauthorized)
}

/** How many things records of this kind tell of: each of one, or of as many as it has counted. */
async function recorded(acme: TestOrganization, query: string): Promise<number> {
  let count = 0
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page = await made(acme.api('get', `/v1/audit/records?after=${after}&limit=500${query}`))
    for (const { leaf } of page.records) count += leaf.count ?? 1
    after = page.next_after
  }
  return count
}
