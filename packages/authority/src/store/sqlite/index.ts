import { asRefusal, isRefusal, Refusal, refuse } from '@credence/protocol'
import { Listeners, type Log } from '../listeners.ts'
import { migrate } from '../migrate.ts'
import type { Store } from '../port.ts'
import { globalReads, type Read, readsOf } from '../reads.ts'
import type { Bound } from '../statement.ts'
import { createStatements } from '../statements.ts'
import { openForReading, openForWriting } from './connection.ts'
import { faultOf } from './fault.ts'
import { takeLock } from './lock.ts'
import type { Reply } from './messages.ts'
import { migrationConnection } from './migration_connection.ts'
import { createPrivately } from './private_file.ts'
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
  const unlock = opening(() => takeLock(file))
  try {
    opening(() => createPrivately(file))
    const first = opening(() => openForWriting(file))
    await migrate(migrationConnection(first)).finally(() => first.close())
    const writing = await Writing.start(file)
    return storeOn(
      writing,
      opening(() => openForReading(file)),
      unlock,
      log,
    )
  } catch (error) {
    unlock()
    throw isRefusal(error) ? error : new Refusal('storage_unavailable', { cause: error })
  }
}

function opening<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (isRefusal(error)) throw error
    refuse('storage_unavailable', { cause: error })
  }
}

function storeOn(
  writing: Writing,
  reading: ReturnType<typeof openForReading>,
  unlock: () => void,
  log: Log | undefined,
): Store {
  const statements = createStatements('sqlite')
  const committed = new Listeners<Parameters<Parameters<Store['onCommit']>[0]>[0]>(log)
  const read: Read = (bound: Bound) => {
    try {
      return reading.rows(bound)
    } catch (error) {
      if (faultOf(error) === 'command') throw asRefusal(error)
      refuse('storage_unavailable', { cause: error })
    }
  }

  return {
    async commit(command) {
      const reply = settled(await writing.ask({ ask: 'commit', command }))
      if (!('outcome' in reply)) throw new Error('The writer answered something else.')
      const { outcome } = reply
      if (outcome.done)
        committed.tell({ organization: command.organization, facts: outcome.facts.filter(({ fresh }) => fresh) })
      return outcome
    },
    of: (organization) => readsOf(organization, read, statements),
    global: globalReads(read, statements),
    onCommit: (listener) => committed.add(listener),
    onHint: () => () => {},
    async sweep(now) {
      for (;;) {
        const reply = settled(await writing.ask({ ask: 'sweep', now }))
        if (!('done' in reply) || reply.done === 0) return
      }
    },
    async ping() {
      settled(await writing.ask({ ask: 'beat' }))
    },
    async close() {
      // The last to close a file writes its log back into it, which only the writer may.
      reading.close()
      await writing.close()
      unlock()
    },
  }
}

function settled(reply: Reply): Exclude<Reply, { failed: string }> {
  if (!('failed' in reply)) return reply
  const cause = new Error(reply.message)
  refuse(reply.failed === 'unavailable' ? 'storage_unavailable' : 'internal_error', { cause })
}
