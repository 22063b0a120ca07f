import { setTimeout as sleep } from 'node:timers/promises'
import { isRefusal, type Refusal, refusalOf as refusalBy, refuse } from '@credence/protocol'
import type { Command, Outcome, Step } from '../port.ts'
import { type Bound, bind, type Row } from '../statement.ts'
import type { Statements } from '../statements.ts'
import type { Connections } from './connections.ts'
import { Lanes, type Ticket } from './lanes.ts'
import { isFault, isFullDisk, query } from './query.ts'
import { outcomeOf, singleStatement } from './single_statement.ts'
import { CommitUnanswered, Transaction } from './transaction.ts'

const mostTries = 8
/** After which nothing is tried again: the caller waits. */
const tryForMs = 2_000

/** Steps that need the organization's head row. */
const headSteps: ReadonlySet<Step['do']> = new Set(['end', 'restore', 'raise_incarnation'])

/**
 * Commands on PostgreSQL: one statement where it fits, a short transaction where not, and where the head row is needed a
 * transaction for all that wait for it. Those have connections of their own, so that revoking never waits for issuing.
 */
export class Commits {
  readonly #connections: Connections
  readonly #reserved: Connections
  readonly #statements: Statements
  /** Of commands that take the head row. */
  readonly #heads: Lanes<Outcome>
  /** Of commands that met another and were undone: from then on they go one after the other. */
  readonly #again: Lanes<Outcome>

  constructor(parts: { connections: Connections; reserved: Connections; statements: Statements }) {
    this.#connections = parts.connections
    this.#reserved = parts.reserved
    this.#statements = parts.statements
    this.#heads = new Lanes((organization, tickets) => this.#together(tickets, this.#reserved, organization))
    this.#again = new Lanes((_organization, tickets) => this.#together(tickets, this.#connections))
  }

  async commit(command: Command): Promise<Outcome> {
    try {
      if (command.steps.some((step) => headSteps.has(step.do))) {
        return await (this.#heads.enter(command) ?? refuse('overloaded'))
      }
      const whole = singleStatement(command, this.#statements)
      return await (whole ? this.#atOnce(command, whole) : this.#inTransaction(command))
    } catch (error) {
      if (isFault(error, 'retry')) return this.#again.enter(command) ?? refuse('overloaded')
      throw refusalOf(error)
    }
  }

  async #atOnce(command: Command, whole: Bound): Promise<Outcome> {
    const { statement, values } = whole
    try {
      const { rows } = await this.#connections.lend((client) =>
        query<Row>(client, { name: statement.name, text: statement.sql, values }),
      )
      return outcomeOf(command, rows)
    } catch (error) {
      if (isFault(error, 'taken')) return this.#inTransaction(command)
      if (isFault(error, 'lost')) return this.#settle(command, { done: true, facts: [] }, error)
      throw error
    }
  }

  async #inTransaction(command: Command): Promise<Outcome> {
    let outcome: Outcome | undefined
    try {
      return await this.#connections.lend((client) =>
        whole(new Transaction(client), async (transaction) => {
          outcome = await transaction.apply(command, this.#statements)
          return outcome
        }),
      )
    } catch (error) {
      if (error instanceof CommitUnanswered && outcome) return this.#settle(command, outcome, error)
      throw error
    }
  }

  /** Never throws: it settles the tickets. */
  async #together(tickets: ReadonlyArray<Ticket<Outcome>>, connections: Connections, head?: string): Promise<void> {
    let results: Array<Outcome | Refusal> = []
    const commit = async () => {
      results = []
      await connections.lend((client) =>
        whole(new Transaction(client), async (transaction) => {
          if (head !== undefined) await this.#takeHead(head, transaction)
          for (const { command } of tickets) results.push(await this.#besideOthers(command, transaction))
          return { done: true }
        }),
      )
    }
    try {
      await tried(commit).catch(async (error: unknown) => {
        // One transaction: if the record of one of its commands is there, all of it is.
        const done = tickets.find(({ command }, index) => command.audit && isDone(results[index]))
        if (!(error instanceof CommitUnanswered) || !done) throw error
        await this.#settle(done.command, { done: true, facts: [] }, error)
      })
    } catch (error) {
      for (const { reject } of tickets) reject(refusalOf(error))
      return
    }
    for (const [index, { resolve, reject }] of tickets.entries()) {
      const result = results[index]
      if (result === undefined || isRefusal(result)) reject(result ?? refusalBy('internal_error'))
      else resolve(result)
    }
  }

  /** Held until the end of the transaction: from here on no other commit of this organization gives out numbers. */
  async #takeHead(organization: string, transaction: Transaction): Promise<void> {
    const row = { seq: 0, incarnation: 1 }
    await transaction.ask(bind(this.#statements.insert('heads'), { organization, row }))
    await transaction.ask(bind(this.#statements.exists('heads', {}, 'change'), { organization }))
  }

  async #besideOthers(command: Command, transaction: Transaction): Promise<Outcome | Refusal> {
    transaction.send('savepoint command')
    try {
      const outcome = await transaction.apply(command, this.#statements)
      if (!outcome.done) transaction.send('rollback to savepoint command')
      transaction.send('release savepoint command')
      return outcome
    } catch (error) {
      if (isFault(error, 'lost', 'retry', 'unavailable')) throw error
      transaction.forget()
      transaction.send('rollback to savepoint command')
      transaction.send('release savepoint command')
      return refusalOf(error)
    }
  }

  /**
   * The server never said whether it committed. The command's audit record says so: wholly there or wholly absent. The old
   * connection's end may take the server a moment longer than it took us.
   */
  async #settle(command: Command, outcome: Outcome, cause: unknown): Promise<Outcome> {
    const { organization, audit } = command
    if (!audit) refuse('storage_unavailable', { cause })
    const where = { id: audit.id }
    const { statement, values } = bind(this.#statements.get('audit_records', where), { organization, where })
    for (const waitMs of [0, 50, 250]) {
      await sleep(waitMs)
      const { rows } = await this.#connections.lend((client) =>
        query<Row>(client, { name: statement.name, text: statement.sql, values }),
      )
      if (rows.length > 0) return outcome
    }
    refuse('storage_unavailable', { cause })
  }
}

/** Commits what `work` did if its result is done, and undoes it otherwise. */
async function whole<T extends { done: boolean }>(
  transaction: Transaction,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  try {
    const result = await work(transaction)
    if (result.done) await transaction.commit()
    else await transaction.undo()
    return result
  } catch (error) {
    if (!(error instanceof CommitUnanswered) && !isFault(error, 'lost')) await transaction.undo()
    throw error
  }
}

/** Again, a few times, when it was undone only because it met another. */
async function tried<T>(work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isFault(error, 'retry') || attempt === mostTries || performance.now() - began > tryForMs) throw error
      await sleep(Math.random() * 10 * 2 ** attempt)
    }
  }
}

function isDone(result: Outcome | Refusal | undefined): boolean {
  return result !== undefined && !isRefusal(result) && result.done
}

export function refusalOf(error: unknown): Refusal {
  if (isRefusal(error)) return error
  if (isFullDisk(error)) return refusalBy('storage_full', { cause: error })
  const unavailable = error instanceof CommitUnanswered || isFault(error, 'lost', 'retry', 'unavailable')
  return refusalBy(unavailable ? 'storage_unavailable' : 'internal_error', { cause: error })
}
