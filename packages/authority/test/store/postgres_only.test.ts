import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createDatabase,
  freshDatabase,
  type PostgresServer,
  postgresMissing,
  startPostgres,
} from '../../../../tests/postgres.ts'
import type { Command, Store } from '../../src/store/index.ts'
import { openPostgres } from '../../src/store/postgres/index.ts'
import { schema } from '../../src/store/schema.ts'
import { command, end, insertAgent, insertPerson, newOrganization, replayId } from './contract/examples.ts'
import { type Cutter, proxyTo } from './proxy.ts'

const missing = postgresMissing()

if (missing) it('the store on PostgreSQL', (context) => context.skip(missing))
else describe('the store on PostgreSQL', onPostgres)

function onPostgres() {
  async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(url)
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end().catch(() => {})
    }
  }

  describe('its schema', () => {
    it('is what the migrations make, also when several processes start at once', async () => {
      const url = await freshDatabase()
      const stores = await Promise.all(Array.from({ length: 5 }, () => openPostgres({ url, poolSize: 1 })))
      await Promise.all(stores.map((store) => store.close()))
      await withClient(url, async (client) => {
        for (const [table, { columns, key, unique, uniqueEverywhere = [] }] of Object.entries(schema)) {
          const made = await client.query(
            `select column_name, data_type, is_nullable, collation_name from information_schema.columns
             where table_name = $1 and column_name <> 'arrival' order by ordinal_position`,
            [table],
          )
          const expected = Object.entries(columns).map(([column_name, kind]) => ({
            column_name,
            data_type: { text: 'text', integer: 'bigint', bytes: 'bytea' }[kind.replace('?', '')],
            is_nullable: kind.endsWith('?') ? 'YES' : 'NO',
            collation_name: kind.startsWith('text') ? 'C' : null,
          }))
          expect(made.rows).toEqual(expected)
          const indexed = await client.query(
            `select array_to_string(array(select attname from unnest(indkey) with ordinality as k(number, place)
               join pg_attribute on attrelid = indrelid and attnum = number order by place), ',') as columns
             from pg_index where indrelid = $1::regclass and indisunique`,
            [table],
          )
          const within = [key, ...unique].map((each) => ['organization', ...each])
          expect(
            indexed.rows
              .map((row) => row.columns)
              .filter((each) => each !== 'arrival')
              .sort(),
          ).toEqual([...within, ...uniqueEverywhere].map(String).sort())
        }
      })
    })

    it('of a newer version is refused', async () => {
      const url = await freshDatabase()
      await (await openPostgres({ url })).close()
      await withClient(url, (client) => client.query("insert into schema_versions values (99, 'later')"))
      await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'schema_newer' })
    })
  })

  it('refuses when nobody answers at its URL', async () => {
    const url = 'postgres://nobody@127.0.0.1:1/none'
    await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  describe('when the way to the server is cut in a commit', () => {
    let proxy: Cutter
    let store: Store
    beforeAll(async () => {
      proxy = await proxyTo(await freshDatabase())
      store = await openPostgres({ url: proxy.url, poolSize: 2 })
    })
    afterAll(async () => {
      await store.close()
      proxy.close()
    })

    const kinds: Array<[string, (organization: string) => Command, (issue: Command) => string]> = [
      ['one statement', (organization) => command(organization, replayId('jti_1')), (issue) => issue.audit?.id ?? ''],
      [
        'a transaction',
        (organization) =>
          command(organization, insertPerson('psn_1'), replayId('jti_1'), {
            do: 'delete',
            table: 'people',
            where: { id: 'psn_0' },
          }),
        () => 'commit\0',
      ],
      [
        'a transaction of several commands that end something',
        (organization) => command(organization, replayId('jti_1'), end('agt_1')),
        () => 'commit\0',
      ],
    ]
    it.each(kinds)('of %s, it finds out that it was done', async (_kind, make, text) => {
      const organization = newOrganization()
      const issue = make(organization)
      proxy.cut(text(issue), 'after')
      expect(await store.commit(issue)).toMatchObject({ done: true })
      expect(await store.of(organization).count('replay_ids', {})).toBe(1)
      expect(await store.of(organization).count('audit_records', {})).toBe(1)
    })

    it.each(kinds)('of %s, it finds out that it was not, and refuses', async (_kind, make, text) => {
      const organization = newOrganization()
      const issue = make(organization)
      proxy.cut(text(issue), 'before')
      await expect(store.commit(issue)).rejects.toMatchObject({ code: 'storage_unavailable' })
      expect(await store.of(organization).count('replay_ids', {})).toBe(0)
      expect(await store.of(organization).head()).toMatchObject({ seq: 0 })
      expect(await store.commit(issue)).toMatchObject({ done: true })
    })

    it('refuses what left no record to look for', async () => {
      const organization = newOrganization()
      proxy.cut('commit\0', 'after')
      const bookkeeping = { ...command(organization, end('agt_1')), audit: null }
      await expect(store.commit(bookkeeping)).rejects.toMatchObject({ code: 'storage_unavailable' })
    })
  })

  it('tries again what two commands undid for one another', async () => {
    const store = await openPostgres({ url: await freshDatabase(), poolSize: 8 })
    const organization = newOrganization()
    await store.commit(command(organization, insertAgent('agt_1', 'one'), insertAgent('agt_2', 'two')))
    const change = (id: string) =>
      ({ do: 'update', table: 'agents', where: { id }, set: { version: '2' }, otherwise: 'conflict' }) as const
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const both = [change('agt_1'), change('agt_2')]
        return store.commit(command(organization, ...(index % 2 ? both : both.reverse())))
      }),
    )
    expect(outcomes.every(({ done }) => done)).toBe(true)
    await store.close()
  })

  it('revokes while everything that issues waits', async () => {
    const url = await freshDatabase()
    const store = await openPostgres({ url, poolSize: 4 })
    const organization = newOrganization()
    await withClient(url, async (client) => {
      await client.query('begin; lock table replay_ids')
      const waiting = Array.from({ length: 20 }, (_, index) =>
        store.commit(command(organization, replayId(`jti_${index}`))),
      )
      const settled = Promise.allSettled(waiting)
      await until(async () => (await client.query('select 1 from pg_locks where not granted')).rows.length > 0)
      // Before the lock goes, so that it cannot have waited for it.
      expect(await store.commit(command(organization, end('agt_1')))).toMatchObject({ done: true })
      await client.query('commit')
      // A slow machine is refused rather than made to wait.
      for (const outcome of await settled) {
        if (outcome.status === 'fulfilled') expect(outcome.value).toMatchObject({ done: true })
        else expect(outcome.reason).toMatchObject({ code: 'storage_unavailable' })
      }
    })
    await store.close()
  })

  it('hints to other processes that there are facts', async () => {
    const url = await freshDatabase()
    const [one, two] = await Promise.all([openPostgres({ url }), openPostgres({ url })])
    const organization = newOrganization()
    const heard: string[] = []
    one.onHint((hint) => heard.push(`one ${hint}`))
    two.onHint((hint) => heard.push(`two ${hint}`))
    for (let index = 0; heard.length === 0 && index < 100; index++) {
      await one.commit(command(organization, end(`agt_${index}`)))
      await sleep(50)
    }
    expect(new Set(heard)).toEqual(new Set([`two ${organization}`]))
    await Promise.all([one.close(), two.close()])
  })

  describe('a server that', () => {
    let server: PostgresServer
    let url: string
    beforeAll(async () => {
      server = await startPostgres()
      url = await createDatabase(server.url)
    })
    afterAll(() => server.stop())

    it('crashes under load loses nothing that was answered, and is found again', { timeout: 60_000 }, async () => {
      const store = await openPostgres({ url, poolSize: 8 })
      const organization = newOrganization()
      const answered: string[] = []
      let stop = false
      const refused: unknown[] = []
      const caller = async (number: number) => {
        for (let index = 0; !stop; index++) {
          const id = `psn_${number}_${index}`
          const steps = index % 3 ? [insertPerson(id)] : [insertPerson(id), end(id)]
          try {
            const outcome = await store.commit(command(organization, ...steps))
            if (outcome.done) answered.push(id)
          } catch (error) {
            refused.push((error as { code: unknown }).code)
            await sleep(20)
          }
        }
      }
      const callers = Array.from({ length: 16 }, (_, number) => caller(number))
      for (let round = 0; round < 3; round++) {
        await sleep(300)
        const pid = await backendOf(url)
        process.kill(pid, 'SIGKILL')
        await sleep(300)
      }
      const before = answered.length
      await until(() => answered.length > before + 50)
      stop = true
      await Promise.all(callers)
      expect(new Set(refused)).toEqual(new Set(['storage_unavailable']))
      const reads = store.of(organization)
      const people = await everyone(store, organization)
      expect(answered.filter((id) => !people.has(id))).toEqual([])
      expect(await reads.count('audit_records', {})).toBe(people.size)
      const facts = await reads.facts(0, 10_000)
      expect(facts.map(({ seq }) => seq)).toEqual(facts.map((_, index) => index + 1))
      await store.close()
    })

    it('hangs is refused within seconds, and used again afterwards', { timeout: 60_000 }, async () => {
      const store = await openPostgres({ url, poolSize: 4 })
      const organization = newOrganization()
      await store.commit(command(organization, replayId('jti_1')))
      const stopped = await withClient(url, async (client) => {
        const { rows } = await client.query("select pid from pg_stat_activity where application_name = 'credence'")
        return rows.map(({ pid }) => Number(pid))
      })
      for (const pid of [...stopped, server.pid]) process.kill(pid, 'SIGSTOP')
      // It goes on only after all of these are answered.
      const asked = await Promise.allSettled([
        store.commit(command(organization, replayId('jti_2'))),
        store.commit(command(organization, end('agt_1'))),
        store.of(organization).head(),
        store.ping(),
      ])
      for (const pid of [...stopped, server.pid]) process.kill(pid, 'SIGCONT')
      for (const one of asked)
        expect(one).toMatchObject({ status: 'rejected', reason: { code: 'storage_unavailable' } })
      await until(() =>
        store.ping().then(
          () => true,
          () => false,
        ),
      )
      expect(await store.commit(command(organization, replayId('jti_3')))).toMatchObject({ done: true })
      await store.close()
    })

    it('does not keep what it commits is not used', async () => {
      const set = (value: string) =>
        withClient(server.url, async (client) => {
          await client.query(`alter system set full_page_writes = ${value}`)
          await client.query('select pg_reload_conf()')
          await until(async () => (await client.query('show full_page_writes')).rows[0].full_page_writes === value)
        })
      await set('off')
      await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'config_unsafe' })
      await set('on')
      await (await openPostgres({ url })).close()
    })

    async function backendOf(database: string): Promise<number> {
      for (;;) {
        try {
          return await withClient(database, async (client) => {
            const { rows } = await client.query(
              "select pid from pg_stat_activity where application_name = 'credence' limit 1",
            )
            return Number(rows[0].pid)
          })
        } catch {
          await sleep(50)
        }
      }
    }
  })
}

async function everyone(store: Store, organization: string): Promise<Set<string>> {
  const people = new Set<string>()
  for (let after: string | undefined; ; ) {
    const page = await store
      .of(organization)
      .list('people', { order: { by: 'id' }, ...(after && { after }), limit: 1_000 })
    for (const { id } of page) people.add(id)
    after = page.at(-1)?.id
    if (page.length < 1_000) return people
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 30_000
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error('It did not come.')
    await sleep(50)
  }
}
