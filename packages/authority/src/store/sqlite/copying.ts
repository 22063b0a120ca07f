import type { Worker } from 'node:worker_threads'
import type { Log } from '../listeners.ts'
import type { Copied } from './checkpointer.ts'
import { startThread } from './thread.ts'
import type { Writing } from './writing.ts'

/** This thread's side of the checkpointer. Without it the store is slower, not less durable: so it only warns. */
export class Copying {
  readonly #worker: Worker
  readonly #exited: Promise<unknown>

  constructor(file: string, writing: Writing, log: Log | undefined) {
    this.#worker = startThread('checkpointer', file)
    this.#exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.on('message', (said: Copied) => {
      if ('failed' in said) log?.warn({ error: said.failed }, 'the write-ahead log could not be copied')
      else writing.ask({ ask: 'restart_log' }).catch(() => {})
    })
    this.#worker.on('error', (error) => log?.warn({ err: error }, 'the thread that copies the write-ahead log ended'))
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close')
    await this.#exited
  }
}
