import type pg from 'pg'
import { apply } from '../apply.ts'
import type { Answer, Ask } from '../ask.ts'
import type { Command, Outcome } from '../port.ts'
import type { Bound, Row } from '../statement.ts'
import type { Statements } from '../statements.ts'
import { isFault, query } from './query.ts'

/** The commit was asked for and nobody answered: it may have happened. */
export class CommitUnanswered extends Error {}

const nothing: Answer = { rows: [], changes: 0 }

/** One open transaction. What nothing depends on is sent without waiting; its error comes with the next thing that is waited for. */
export class Transaction {
  readonly #client: pg.ClientBase
  #unanswered: Array<Promise<unknown>> = []

  constructor(client: pg.ClientBase) {
    this.#client = client
    this.send('begin')
  }

  send(sql: string): void {
    this.#later(query(this.#client, sql))
  }

  async ask(bound: Bound): Promise<{ rows: Row[]; changes: number }> {
    const { statement, values } = bound
    const answer = query<Row>(this.#client, { name: statement.name, text: statement.sql, values })
    this.#later(answer)
    await this.#settle()
    const { rows, rowCount } = await answer
    return { rows, changes: rowCount ?? 0 }
  }

  /** Runs a command up to its outcome; the caller undoes it unless it is done. */
  async apply(command: Command, statements: Statements): Promise<Outcome> {
    const asking = apply(command, statements)
    let next = asking.next()
    while (!next.done) next = asking.next(await this.#answer(next.value))
    await this.#settle()
    return next.value
  }

  async commit(): Promise<void> {
    await this.#settle()
    // The commit point.
    const { command } = await query(this.#client, 'commit').catch((error: unknown) => {
      throw isFault(error, 'lost') ? new CommitUnanswered('No answer to a commit.', { cause: error }) : error
    })
    // To the commit of a transaction that has failed the server answers, without an error, that it was rolled back.
    if (command !== 'COMMIT') throw new Error('The transaction had failed before its commit.')
  }

  /** Leaves what was sent and not waited for to a rollback that follows. */
  forget(): void {
    this.#unanswered = []
  }

  async undo(): Promise<void> {
    this.forget()
    await query(this.#client, 'rollback')
  }

  async #answer(ask: Ask): Promise<Answer> {
    if (ask.careless) {
      const { statement, values } = ask
      this.#later(query(this.#client, { name: statement.name, text: statement.sql, values }))
      return nothing
    }
    try {
      return await this.ask(ask)
    } catch (error) {
      if (isFault(error, 'taken')) return { rows: [], changes: 0, taken: true }
      throw error
    }
  }

  #later(answer: Promise<unknown>): void {
    answer.catch(() => {})
    this.#unanswered.push(answer)
  }

  /** In order, so that the first error is the one that counts: those after it only say that the transaction has failed. */
  async #settle(): Promise<void> {
    const unanswered = this.#unanswered
    this.#unanswered = []
    for (const answer of unanswered) await answer
  }
}
