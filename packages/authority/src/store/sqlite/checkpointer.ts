import { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

// The thread that copies the write-ahead log into the database file while the writer goes on writing. It cannot start the log
// anew, which is the writer's to do: when most of it is copied, it says so.

const lookEveryMs = 100
/** Of 4 KiB each. */
const pagesWorthCopying = 2_000

export type Copied = { copied: number } | { failed: string }

const port = parentPort as MessagePort
const { file } = workerData as { file: string }
const database = new DatabaseSync(file, { timeout: 0 })
database.exec('pragma synchronous = full; pragma fullfsync = on; pragma checkpoint_fullfsync = on')
const state = database.prepare('pragma wal_checkpoint(noop)')
const copy = database.prepare('pragma wal_checkpoint(passive)')

const timer = setInterval(() => {
  try {
    const { log, checkpointed } = state.get() as { log: number; checkpointed: number }
    if (log - checkpointed < pagesWorthCopying) return
    const { checkpointed: copied } = copy.get() as { checkpointed: number }
    port.postMessage({ copied } satisfies Copied)
  } catch (error) {
    port.postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies Copied)
  }
}, lookEveryMs)

port.once('message', () => {
  clearInterval(timer)
  database.close()
  port.close()
})
