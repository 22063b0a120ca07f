import { asRefusal, isRefusal, refusalOf, refuse } from '@credence/protocol'
import { unholdableStep } from '../holdable.ts'
import { Listeners, type Log } from '../listeners.ts'
import { migrate } from '../migrate.ts'
import type { Store } from '../port.ts'
import { globalReads } from '../reads.ts'
import type { Bound, Row } from '../statement.ts'
import { createStatements } from '../statements.ts'
import { UnderWay } from '../under_way.ts'
import { type Connection, openForReading, openForWriting } from './connection.ts'
import { Copying } from './copying.ts'
import { faultOf } from './fault.ts'
import { takeLock } from './lock.ts'
import { Memory } from './memory.ts'
import type { Reply, Request } from './messages.ts'
import { migrationConnection } from './migration_connection.ts'
import { createPrivately } from './private_file.ts'
import { rememberingReads } from './remembering.ts'
import { requireWhole } from './whole_file.ts'
import { Writing } from './writing.ts'

export type SqliteOptions = {
  /** Where the database lies; made if it is not there, for this user alone. Two more files lie beside it, and its lock. */
  file: string
  log?: Log
}

/**
 * The embedded store: one file, one process, every commit on the disk before it is answered.
 *
 * @throws Refusal `store_locked`, `schema_newer`, `storage_unavailable`
 */
export async function openSqlite({ file, log }: SqliteOptions): Promise<Store> {
  // What to close again, the last first.
  const opened: Array<() => void | Promise<void>> = []
  const close = async () => {
    for (const undo of opened.splice(0).reverse()) await undo()
  }
  try {
    opened.push(takeLock(file))
    createPrivately(file)
    requireWhole(file)
    const first = openForWriting(file)
    await migrate(migrationConnection(first)).finally(() => first.close())
    const writing = await Writing.start(file)
    // After all others: the last to close the file copies its log back into it, which only the writer may.
    opened.push(() => writing.close())
    const reading = openForReading(file)
    const memory = new Memory()
    opened.push(() => {
      reading.close()
      // A store that is closed answers nothing.
      memory.clear()
    })
    const copying = new Copying(file, writing, log)
    opened.push(() => copying.close())
    const underWay = new UnderWay()
    opened.push(() => underWay.close())
    const ask = (request: Request) => underWay.during(() => writing.ask(request))
    return { ...storeOn(ask, { reading, memory, log }), close }
  } catch (error) {
    await close()
    if (isRefusal(error)) throw error
    // For whoever starts the authority: nobody else hears of it.
    const detail = `${file} cannot be opened: ${error instanceof Error ? error.message : error}.`
    throw refusalOf('storage_unavailable', { detail, cause: error })
  }
}

type Ask = (request: Request) => Promise<Reply>

function storeOn(
  ask: Ask,
  { reading, memory, log }: { reading: Connection; memory: Memory; log: Log | undefined },
): Omit<Store, 'close'> {
  const statements = createStatements('sqlite')
  const committed = new Listeners<Parameters<Parameters<Store['onCommit']>[0]>[0]>(log)
  const read = (bound: Bound): Row[] => {
    try {
      return reading.rows(bound)
    } catch (error) {
      if (reading.database.isOpen && faultOf(error) === 'command') throw asRefusal(error)
      return refuse('storage_unavailable', { cause: error })
    }
  }

  return {
    async commit(command) {
      const unholdable = unholdableStep(command)
      if (unholdable !== undefined) return { done: false, refused: 'validation_failed', step: unholdable }
      // Whatever became of it, and before anybody hears of that.
      const reply = settled(await ask({ ask: 'commit', command }).finally(() => memory.forget(command)))
      if (!('outcome' in reply)) throw new Error('The writer answered something else.')
      const { outcome } = reply
      if (outcome.done) {
        const facts = outcome.facts.filter(({ fresh }) => fresh)
        committed.tell({ organization: command.organization, facts })
      }
      return outcome
    },
    of: (organization) => rememberingReads(organization, read, statements, memory),
    global: globalReads(read, statements),
    onCommit: (listener) => committed.add(listener),
    onHint: () => () => {},
    async sweep(now) {
      for (;;) {
        const reply = settled(await ask({ ask: 'sweep', now }))
        if (!('done' in reply) || reply.done === 0) return
      }
    },
    async ping() {
      settled(await ask({ ask: 'beat' }))
    },
  }
}

const refusals = { full: 'storage_full', unavailable: 'storage_unavailable', internal: 'internal_error' } as const

function settled(reply: Reply): Exclude<Reply, { failed: string }> {
  if (!('failed' in reply)) return reply
  const cause = new Error(reply.message)
  refuse(refusals[reply.failed], { cause })
}
