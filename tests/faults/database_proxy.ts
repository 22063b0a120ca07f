// Stands between the authority and PostgreSQL, and cuts connections where it hurts: before a request has arrived, and after the
// database has done what it was asked and before its answer has.

import type { Chance } from './chance.ts'
import { type NetworkProxy, startProxy } from './proxy.ts'

export type DatabaseProxy = {
  /** Of the same database, through here. */
  url: string
  /** From 0, never, to 1, always. Of the answers, those that say that something has become durable. */
  cutting: { requests: number; answers: number }
  /** How often either happened. */
  cuts: { requests: number; answers: number }
  /** Cuts once, where so many chunks have passed that way. */
  cutAfter(chunks: number, what: 'requests' | 'answers'): void
  network: NetworkProxy
  stop(): Promise<void>
}

/** What PostgreSQL says when something has become durable: a transaction, or a command in one statement. */
const done = [Buffer.from('COMMIT\0'), Buffer.from('SELECT 1\0')]

/** @param databaseUrl of a server that is reached by a Unix socket. */
export async function startDatabaseProxy(databaseUrl: string, chance: Chance): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl)
  const path = `${url.searchParams.get('host')}/.s.PGSQL.${url.port || 5432}`
  const network = await startProxy(() => ({ path }))
  const cutting = { requests: 0, answers: 0 }
  const cuts = { requests: 0, answers: 0 }
  let once: { left: number; what: keyof typeof cuts } | undefined

  const watch = (what: keyof typeof cuts, matters: (chunk: Buffer) => boolean) => () => (chunk: Buffer) => {
    const isOnce = once?.what === what && once.left-- <= 0
    if (isOnce) once = undefined
    if (!isOnce && !(matters(chunk) && chance.next() < cutting[what])) return [chunk]
    cuts[what] += 1
    return 'cut' as const
  }
  network.up.change = watch('requests', () => true)
  network.down.change = watch('answers', (chunk) => done.some((tag) => chunk.includes(tag)))

  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = `${network.port}`
  return {
    url: url.href,
    cutting,
    cuts,
    cutAfter(chunks, what) {
      once = { left: chunks, what }
    },
    network,
    stop: () => network.stop(),
  }
}
