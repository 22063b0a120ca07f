// Stands between the authority and PostgreSQL, and cuts connections where it hurts: before a request has arrived, and after the
// database has done what it was asked and before its answer has.

import type { Chance } from './chance.ts'
import { type Passed, startProxy } from './proxy.ts'

export type DatabaseProxy = {
  /** Of the same database, through here. */
  url: string
  /** From 0, never, to 1, always. */
  cutting: { requests: number; answers: number }
  /** How often either happened. */
  cuts: { requests: number; answers: number }
  stop(): Promise<void>
}

/** What PostgreSQL says when something has become durable: a transaction, or a command in one statement. */
const done = [Buffer.from('COMMIT\0'), Buffer.from('SELECT 1\0')]

/** @param databaseUrl of a server that is reached by a Unix socket. */
export async function startDatabaseProxy(databaseUrl: string, chance: Chance): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl)
  const path = `${url.searchParams.get('host')}/.s.PGSQL.${url.port || 5432}`
  const cutting = { requests: 0, answers: 0 }
  const cuts = { requests: 0, answers: 0 }
  const orCut = (what: keyof typeof cuts, chunk: Buffer): Passed => {
    if (chance.next() >= cutting[what]) return [chunk]
    cuts[what] += 1
    return 'cut'
  }

  const proxy = await startProxy(() => ({ path }))
  proxy.up.change = () => (chunk) => orCut('requests', chunk)
  proxy.down.change = () => (chunk) => (done.some((tag) => chunk.includes(tag)) ? orCut('answers', chunk) : [chunk])
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = `${proxy.port}`
  return { url: url.href, cutting, cuts, stop: () => proxy.stop() }
}
