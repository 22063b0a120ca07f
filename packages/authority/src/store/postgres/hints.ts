import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Listeners } from '../listeners.ts'
import { type Connections, clientConfig } from './connections.ts'
import { query } from './query.ts'

const channel = 'credence_facts'
const againAfterMs = 1_000

/** Tells other processes of this store that facts were appended, and hears it from them. A hint: all of it may get lost. */
export class Hints {
  readonly #connections: Connections
  readonly #listeners: Listeners<string>
  readonly #url: string
  readonly #self: string = randomUUID()
  #client: pg.Client | undefined
  #again: NodeJS.Timeout | undefined
  #closed = false

  constructor(parts: { url: string; connections: Connections; listeners: Listeners<string> }) {
    this.#url = parts.url
    this.#connections = parts.connections
    this.#listeners = parts.listeners
    void this.#listen()
  }

  /** After the commit, on its own: in the transaction it would make all such commits of the database wait for one another. */
  give(organization: string): void {
    const text = `select pg_notify('${channel}', $1)`
    const values = [`${this.#self} ${organization}`]
    this.#connections.lend((client) => query(client, { text, values })).catch(() => {})
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#again)
    await this.#client?.end().catch(() => {})
  }

  async #listen(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#url))
    this.#client = client
    const retry = () => {
      if (this.#client !== client || this.#closed) return
      this.#client = undefined
      this.#again = setTimeout(() => void this.#listen(), againAfterMs)
      this.#again.unref()
    }
    client.on('error', retry)
    client.on('end', retry)
    client.on('notification', ({ payload = '' }) => {
      const [from, organization] = payload.split(' ')
      if (organization && from !== this.#self) this.#listeners.tell(organization)
    })
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
    } catch {
      await client.end().catch(() => {})
      retry()
    }
  }
}
