import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { createStatements } from '../statements.ts'
import { Batches } from './batch.ts'
import { type Connection, openForWriting } from './connection.ts'
import type { Opening, Request } from './messages.ts'

// The thread that writes. It commits whatever has arrived as one batch; what arrives meanwhile is the next batch, which begins
// as soon as this one is on the disk.

/** So that the first of a flood does not wait for all of it. */
const commandsAtOnce = 512

const port = parentPort as MessagePort
const { file } = workerData as { file: string }

try {
  serve()
} catch (error) {
  port.postMessage({ opened: false, message: error instanceof Error ? error.message : String(error) } satisfies Opening)
}

function serve(): void {
  const connection = openForWriting(file)
  // Whatever a crash left in the log goes to the file, through an `fsync` of this process.
  connection.database.exec('pragma wal_checkpoint(truncate)')
  const batches = new Batches(connection, createStatements('sqlite'))
  port.postMessage({ opened: true } satisfies Opening)
  port.on('message', (first: Request[]) => {
    const requests = [...first]
    while (requests.length < commandsAtOnce) {
      const more = receiveMessageOnPort(port) as { message: Request[] } | undefined
      if (!more) break
      requests.push(...more.message)
    }
    const replies = batches.run(requests)
    if (requests.some(({ ask }) => ask === 'restart_log')) restartLog(connection)
    const closing = requests.some(({ ask }) => ask === 'close')
    if (closing) connection.close()
    port.postMessage(replies)
    if (closing) port.close()
  })
}

/** Not needed for anything but room: an error shows itself, if it is one, in the next commit. */
function restartLog(connection: Connection): void {
  try {
    connection.restartLog()
  } catch {
    // The log goes on.
  }
}
