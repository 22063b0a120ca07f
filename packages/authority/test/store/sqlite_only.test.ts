import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { migrate } from '../../src/store/migrate.ts'
import { migrations } from '../../src/store/migrations/index.ts'
import { schema } from '../../src/store/schema.ts'
import { Batches } from '../../src/store/sqlite/batch.ts'
import { Connection, openForWriting } from '../../src/store/sqlite/connection.ts'
import { openSqlite } from '../../src/store/sqlite/index.ts'
import { migrationConnection } from '../../src/store/sqlite/migration_connection.ts'
import { createStatements } from '../../src/store/statements.ts'
import { command, insertPerson, newOrganization } from './contract/examples.ts'

const directories: string[] = []
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

function newFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'credence-store-'))
  directories.push(directory)
  return join(directory, 'inner', 'credence.db')
}

function storm(file: string, through: string[] = []): ChildProcess {
  const script = fileURLToPath(new URL('./contract/storm.ts', import.meta.url))
  const args = [...through, process.execPath, '--conditions=@credence/source', script, 'sqlite', file, 'org_1', '0']
  return spawn(args[0] as string, args.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
}

describe('the file', () => {
  it('and those beside it are for its owner alone', async () => {
    const file = newFile()
    const store = await openSqlite({ file })
    await store.commit(command(newOrganization(), insertPerson('psn_1')))
    for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}.lock`])
      expect(statSync(name).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    await store.close()
  })

  it('holds everything once the store is closed', async () => {
    const file = newFile()
    const store = await openSqlite({ file })
    await store.commit(command('org_1', insertPerson('psn_1')))
    await store.close()
    expect(() => statSync(`${file}-wal`)).toThrow()
    const database = new DatabaseSync(file, { readOnly: true })
    expect(database.prepare('select count(*) as count from people').get()).toEqual({ count: 1 })
    database.close()
  })

  it('that ends too early is refused, unless its log has the rest, as after a crash in the middle of copying', async () => {
    const file = newFile()
    await (await openSqlite({ file })).close()
    const database = new DatabaseSync(file)
    database.exec('pragma journal_mode = wal; pragma wal_autocheckpoint = 0')
    const insert = database.prepare('insert into pulse (id, beats) values (?, 0)')
    database.exec('begin')
    for (let id = 2; id < 3_000; id++) insert.run(id)
    database.exec('commit')
    const log = readFileSync(`${file}-wal`)
    database.exec('pragma wal_checkpoint(truncate)')
    database.close()
    const whole = readFileSync(file)
    for (const left of [whole.length - 4_096, whole.length - 1, 4_096 * 3 + 1_000]) {
      writeFileSync(file, whole.subarray(0, left))
      rmSync(`${file}-wal`, { force: true })
      const refusal = { code: 'storage_unavailable', detail: expect.stringContaining(`ends after ${left} bytes`) }
      await expect(openSqlite({ file })).rejects.toMatchObject(refusal)
    }
    writeFileSync(file, whole.subarray(0, whole.length - 4_096 * 2 - 7))
    writeFileSync(`${file}-wal`, log)
    await (await openSqlite({ file })).close()
    const again = new DatabaseSync(file, { readOnly: true })
    expect(again.prepare('select count(*) as count from pulse').get()).toEqual({ count: 2_999 })
    again.close()
  })

  it('that is no database is refused', async () => {
    const file = newFile()
    mkdirSync(dirname(file))
    writeFileSync(file, 'something else entirely, '.repeat(100))
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'storage_unavailable' })
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})

describe('the lock', () => {
  it('keeps a second store out, in this process and in another, and leaves the first one alone', async () => {
    const file = newFile()
    const store = await openSqlite({ file })
    const refusal = { code: 'store_locked', detail: expect.stringContaining(file) }
    await expect(openSqlite({ file })).rejects.toMatchObject(refusal)
    const child = storm(file)
    const [status] = await once(child, 'close')
    expect(status).toBe(1)
    await expect(openSqlite({ file })).rejects.toMatchObject(refusal)
    expect(await store.commit(command('org_1', insertPerson('psn_1')))).toMatchObject({ done: true })
    await store.close()
    await (await openSqlite({ file })).close()
  })

  it('that cannot be taken for another reason is refused with that reason', async () => {
    const file = newFile()
    await (await openSqlite({ file })).close()
    writeFileSync(`${file}.lock`, 'something else entirely, '.repeat(100))
    const refusal = { code: 'storage_unavailable', detail: expect.stringContaining('not a database') }
    await expect(openSqlite({ file })).rejects.toMatchObject(refusal)
  })

  it('goes with its process, however that ends', async () => {
    const file = newFile()
    const child = storm(file)
    await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'store_locked' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await openSqlite({ file })
    expect(await store.of('org_1').count('people', {})).toBeGreaterThan(0)
    await store.close()
  })
})

describe('the schema', () => {
  it('is what the migrations make', async () => {
    const file = newFile()
    await (await openSqlite({ file })).close()
    const database = new DatabaseSync(file)
    for (const [table, { columns, key, unique, uniqueEverywhere = [] }] of Object.entries(schema)) {
      const made = database.prepare(`select name, type, "notnull" from pragma_table_info('${table}')`).all()
      const expected = Object.entries(columns).map(([name, kind]) => ({
        name,
        type: { text: 'TEXT', integer: 'INTEGER', bytes: 'BLOB' }[kind.replace('?', '')],
        notnull: kind.endsWith('?') ? 0 : 1,
      }))
      expect(made.filter(({ name }) => name !== 'arrival').map((row) => ({ ...row }))).toEqual(expected)

      const keys = database.prepare(`select name from pragma_index_list('${table}') where "unique"`).all()
      const indexed = keys.map(({ name }) =>
        database
          .prepare(`select name from pragma_index_info('${name}') order by seqno`)
          .all()
          .map((column) => column.name),
      )
      const within = [key, ...unique].map((each) => ['organization', ...each])
      expect(indexed.map(String).sort()).toEqual([...within, ...uniqueEverywhere].map(String).sort())
    }
    database.close()
  })

  it('is made a step at a time, each wholly or not at all, and gone on with where it was cut off', async () => {
    const file = newFile()
    await (await openSqlite({ file })).close()
    const connection = openForWriting(file)
    const broken = {
      version: migrations.length + 1,
      name: 'second',
      statements: () => ['create table second (id)', 'create table people (id)'].map((sql) => raw(sql)),
    }
    const run = (steps: typeof migrations) => migrate(migrationConnection(connection), steps)
    await expect(run([...migrations, broken])).rejects.toThrow('already exists')
    const tables = () => connection.database.prepare("select name from sqlite_schema where name = 'second'").all()
    expect(tables()).toEqual([])
    await run([...migrations, { ...broken, statements: () => [raw('create table second (id)')] }])
    expect(tables()).toHaveLength(1)
    await run([...migrations, broken])
    connection.close()

    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'schema_newer' })
    await expect(openSqlite({ file })).rejects.toMatchObject({ code: 'schema_newer' })
  })

  function raw(sql: string) {
    return { compile: () => ({ sql, parameters: [] }) as never }
  }
})

describe('the writer', () => {
  async function batches(connect: (file: string) => Connection) {
    const file = newFile()
    await (await openSqlite({ file })).close()
    const connection = connect(file)
    const people = () => connection.database.prepare('select count(*) as count from people').get()?.count
    return { connection, people, batches: new Batches(connection, createStatements('sqlite')) }
  }
  const insert = (id: string, name?: string) =>
    ({ ask: 'commit', command: command('org_1', insertPerson(id, name)) }) as const

  it('refuses what does not fit on a full disk, and goes on when there is room again', async () => {
    const { connection, people, batches: writer } = await batches(openForWriting)
    const pages = connection.database.prepare('pragma page_count').get()?.page_count
    connection.database.exec(`pragma max_page_count = ${pages}`)
    const large = 'x'.repeat(1_000_000)
    expect(writer.run([insert('psn_1'), insert('psn_2', large), insert('psn_3')])).toMatchObject([
      { failed: 'full' },
      { failed: 'full' },
      { failed: 'full' },
    ])
    expect(people()).toBe(0)
    connection.database.exec('pragma max_page_count = 1000000')
    expect(writer.run([insert('psn_1'), insert('psn_2', large)])).toMatchObject([
      { outcome: { done: true } },
      { outcome: { done: true } },
    ])
    expect(people()).toBe(2)
    connection.close()
  })

  it('stops for good when a commit fails to reach the disk, and calls nothing done', async () => {
    class Failing extends Connection {
      fail = true
      override control(sql: string): void {
        if (sql === 'commit' && this.fail) throw Object.assign(new Error('disk I/O error'), { errcode: 10 | (4 << 8) })
        super.control(sql)
      }
    }
    const { connection, people, batches: writer } = await batches((file) => new Failing(openForWriting(file).database))
    expect(writer.run([insert('psn_1'), insert('psn_2')])).toMatchObject([
      { failed: 'unavailable' },
      { failed: 'unavailable' },
    ])
    Object.assign(connection, { fail: false })
    expect(writer.run([insert('psn_3'), { ask: 'beat' }])).toMatchObject([
      { failed: 'unavailable' },
      { failed: 'unavailable' },
    ])
    expect(people()).toBe(0)
    connection.close()
  })

  it('never answers a commit whose fsync failed', { timeout: 120_000 }, async (context) => {
    const works = spawnSync('strace', ['-f', '-e', 'trace=fsync', 'true']).status === 0
    if (!works) context.skip('strace is not here, or may not trace')
    const file = newFile()
    await (await openSqlite({ file })).close()
    // From the 40th on, every one of them fails.
    const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync']
    const child = storm(file, [...inject, '-e', 'inject=fsync,fdatasync:error=EIO:when=40+'])
    const heard: number[] = []
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => heard.push(Number(line)))
    let said = ''
    child.stderr?.on('data', (data) => {
      said += data
    })
    await Promise.all([once(child, 'close'), once(lines, 'close')])
    expect(said).toContain('storage_unavailable')
    const store = await openSqlite({ file })
    const people = await store.of('org_1').list('people', { order: { by: 'id' }, limit: 10_000 })
    const there = new Set(people.map(({ id }) => Number(id.slice(4))))
    expect(heard.length).toBeGreaterThan(0)
    expect(heard.filter((index) => !there.has(index))).toEqual([])
    await store.close()
  })
})
