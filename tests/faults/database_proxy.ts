// Stands between the authority and PostgreSQL, and cuts connections where it hurts: before a request has arrived, and after the
// database has done what it was asked and before its answer has.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Chance } from './chance.ts'

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
  const socketPath = `${url.searchParams.get('host')}/.s.PGSQL.${url.port || 5432}`
  const cutting = { requests: 0, answers: 0 }
  const cuts = { requests: 0, answers: 0 }
  const open = new Set<Socket>()

  const server = createServer((client) => {
    const database = connect(socketPath)
    const cut = (what: keyof typeof cuts) => {
      cuts[what] += 1
      client.destroy()
      database.destroy()
    }
    for (const socket of [client, database]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        database.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (chance.next() < cutting.requests) cut('requests')
      else database.write(chunk)
    })
    database.on('data', (chunk: Buffer) => {
      if (done.some((tag) => chunk.includes(tag)) && chance.next() < cutting.answers) cut('answers')
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = `${(server.address() as AddressInfo).port}`

  return {
    url: url.href,
    cutting,
    cuts,
    async stop() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
