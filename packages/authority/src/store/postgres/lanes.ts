import { refusalOf } from '@credence/protocol'
import type { Command } from '../port.ts'

export type Ticket<T> = { command: Command; resolve(result: T): void; reject(error: unknown): void; sinceMs: number }

/** Of one organization, beyond which another would only wait longer than its caller does. */
const mostWaiting = 5_000
const commandsAtOnce = 64
/** After which a command is not begun any more: what is before it waits for something, and its caller has waited enough. */
const longestWaitMs = 2_000

/**
 * Commands that take the head row of their organization queue for it here, not in the database, where each would hold a
 * connection while it waits. Those that waited together are committed together.
 */
export class Lanes<T> {
  readonly #waiting = new Map<string, Array<Ticket<T>>>()
  readonly #run: (organization: string, tickets: ReadonlyArray<Ticket<T>>) => Promise<void>

  /** @param run settles each of the tickets, and never throws. */
  constructor(run: (organization: string, tickets: ReadonlyArray<Ticket<T>>) => Promise<void>) {
    this.#run = run
  }

  /** Undefined when too many wait already. */
  enter(command: Command): Promise<T> | undefined {
    const { organization } = command
    const queue = this.#waiting.get(organization)
    if (queue && queue.length >= mostWaiting) return undefined
    return new Promise((resolve, reject) => {
      const ticket = { command, resolve, reject, sinceMs: performance.now() }
      if (queue) queue.push(ticket)
      else {
        const own = [ticket]
        this.#waiting.set(organization, own)
        void this.#drain(organization, own)
      }
    })
  }

  async #drain(organization: string, queue: Array<Ticket<T>>): Promise<void> {
    while (queue.length > 0) {
      const inTime = queue.findIndex(({ sinceMs }) => performance.now() - sinceMs <= longestWaitMs)
      for (const { reject } of queue.splice(0, inTime === -1 ? queue.length : inTime))
        reject(refusalOf('storage_unavailable'))
      if (queue.length > 0) await this.#run(organization, queue.splice(0, commandsAtOnce))
    }
    this.#waiting.delete(organization)
  }
}
