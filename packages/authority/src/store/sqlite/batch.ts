import { apply } from '../apply.ts'
import type { Outcome } from '../port.ts'
import type { Statements } from '../statements.ts'
import { expired } from '../sweep.ts'
import type { Connection } from './connection.ts'
import { faultOf, isFull } from './fault.ts'
import type { Reply, Request } from './messages.ts'

/** The error that ended a whole batch. */
class BatchFailed extends Error {}

/**
 * Commits many requests at once. Each command has its own savepoint: one that refuses, or fails by its own fault, takes nothing
 * with it. Nothing is answered as done unless the commit of the batch returned.
 */
export class Batches {
  readonly #connection: Connection
  readonly #statements: Statements
  #stopped: string | undefined

  constructor(connection: Connection, statements: Statements) {
    this.#connection = connection
    this.#statements = statements
  }

  run(requests: readonly Request[]): Reply[] {
    if (this.#stopped !== undefined) return requests.map(() => unavailable(this.#stopped as string))
    try {
      this.#connection.control('begin immediate')
      const replies = requests.map((request) => this.#one(request))
      // The commit point: before it nothing has happened, after it everything is on the disk.
      this.#connection.control('commit')
      return replies
    } catch (error) {
      const cause = error instanceof BatchFailed ? error.cause : error
      const message = messageOf(cause)
      if (faultOf(cause) === 'stopped') this.#stopped = `the writer stopped: ${message}`
      if (!this.#undo()) this.#stopped ??= `the writer stopped: it could not undo (${message})`
      const failed = this.#stopped === undefined && isFull(cause) ? 'full' : 'unavailable'
      return requests.map(() => ({ failed, message }))
    }
  }

  #one(request: Request): Reply {
    this.#connection.control('savepoint command')
    try {
      const reply = this.#execute(request)
      if ('outcome' in reply && !reply.outcome.done) this.#connection.control('rollback to command')
      this.#connection.control('release command')
      return reply
    } catch (error) {
      if (faultOf(error) !== 'command' || !this.#connection.database.isTransaction)
        throw new BatchFailed('batch', { cause: error })
      this.#connection.control('rollback to command')
      this.#connection.control('release command')
      return { failed: 'internal', message: messageOf(error) }
    }
  }

  #execute(request: Request): Reply {
    switch (request.ask) {
      case 'commit':
        return { outcome: this.#apply(request) }
      case 'sweep':
        return { done: this.#sweep(request.now) }
      case 'beat':
        this.#connection.control('update pulse set beats = beats + 1')
        return { done: 0 }
      case 'unusable':
        throw new TypeError('A value of the command cannot travel to the writer.')
      case 'restart_log':
      case 'close':
        // Done after the batch: it cannot be part of a transaction.
        return { done: 0 }
    }
  }

  #apply({ command }: Request & { ask: 'commit' }): Outcome {
    const asking = apply(command, this.#statements)
    let next = asking.next()
    while (!next.done) next = asking.next(this.#connection.answer(next.value))
    return next.value
  }

  #sweep(now: number): number {
    let gone = 0
    for (const bound of expired(now, this.#statements)) gone += this.#connection.changes(bound)
    return gone
  }

  /** True when no transaction is open any more. */
  #undo(): boolean {
    const { database } = this.#connection
    if (!database.isOpen) return false
    try {
      if (database.isTransaction) database.exec('rollback')
    } catch {
      // What the next line says counts.
    }
    return !database.isTransaction
  }
}

function unavailable(message: string): Reply {
  return { failed: 'unavailable', message }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
