import { existsSync } from 'node:fs'
import pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { freshDatabase, postgresMissing, startPostgres } from './postgres.ts'

beforeEach((context) => {
  const reason = postgresMissing()
  if (reason) context.skip(reason)
})

async function query(url: string, sql: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('a fresh database is empty, durable, and nobody else’s', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()])
  expect(one).not.toBe(other)
  await query(one, 'CREATE TABLE t (n int)')
  expect(await query(other, "SELECT to_regclass('t') AS found")).toEqual([{ found: null }])
  expect(await query(one, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
  expect(await query(one, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '' }])
})

test('a server of one’s own stops with its connections open and leaves nothing behind', async () => {
  const server = await startPostgres()
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => {})
  await client.connect()
  await server.stop()
  await client.end().catch(() => {})
  expect(() => process.kill(server.pid, 0)).toThrow()
  expect(existsSync(new URL(server.url).searchParams.get('host') as string)).toBe(false)
})

test('a killed server stays down until stopped, and stopping it is no error', async () => {
  const server = await startPostgres()
  process.kill(server.pid, 'SIGKILL')
  const answers = () =>
    query(server.url, 'SELECT 1').then(
      () => true,
      () => false,
    )
  await expect.poll(answers).toBe(false)
  await server.stop()
})
