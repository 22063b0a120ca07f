import type { Worker } from 'node:worker_threads'
import { refusalOf, refuse } from '@credence/protocol'
import type { Opening, Reply, Request } from './messages.ts'
import { startThread } from './thread.ts'

/** Beyond this many commands waiting, another would only wait longer than its caller does. */
const mostWaiting = 20_000

type Waiting = { resolve(reply: Reply): void; reject(error: unknown): void }

/** This thread's side of the writer: requests of one turn of the event loop travel as one message. */
export class Writing {
  readonly #worker: Worker
  /** In the order of the requests, sent or not. */
  readonly #waiting: Waiting[] = []
  #unsent: Request[] = []
  #gone: Error | undefined
  #closing = false

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (replies: Reply[]) => this.#receive(replies))
    worker.on('error', (error) => this.#lose(error))
    worker.on('exit', () => this.#lose(new Error('The writer has ended.')))
  }

  static async start(file: string): Promise<Writing> {
    const worker = startThread('writer', file)
    const opening = await new Promise<Opening>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    if (opening.opened) return new Writing(worker)
    await worker.terminate()
    throw new Error(opening.message)
  }

  ask(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#gone) refuse('storage_unavailable', { cause: this.#gone })
      if (this.#closing) refuse('storage_unavailable', { cause: new Error('The store is closed.') })
      if (this.#waiting.length >= mostWaiting) refuse('overloaded')
      this.#waiting.push({ resolve, reject })
      if (this.#unsent.push(request) === 1) setImmediate(() => this.#send())
    })
  }

  /** After all that was asked before; what is asked later is refused. Never throws. */
  async close(): Promise<void> {
    if (this.#gone) return
    const exited = new Promise((resolve) => this.#worker.once('exit', resolve))
    // A writer that is lost meanwhile has closed as well.
    const closed = this.ask({ ask: 'close' }).catch(() => {})
    this.#closing = true
    await closed
    await exited
  }

  #send(): void {
    if (this.#gone) return
    const requests = this.#unsent
    this.#unsent = []
    try {
      this.#worker.postMessage(requests)
    } catch {
      // One of them holds what cannot travel, a function perhaps. The others must not suffer, nor lose their places.
      this.#worker.postMessage(requests.map((request) => (travels(request) ? request : { ask: 'unusable' })))
    }
  }

  #receive(replies: Reply[]): void {
    const answered = this.#waiting.splice(0, replies.length)
    for (const [index, { resolve }] of answered.entries()) resolve(replies[index] as Reply)
  }

  /** Without its thread nobody knows what became of what was sent; each is wholly there or wholly absent. */
  #lose(error: unknown): void {
    this.#gone ??= error instanceof Error ? error : new Error(String(error))
    for (const { reject } of this.#waiting.splice(0)) reject(refusalOf('storage_unavailable', { cause: this.#gone }))
  }
}

function travels(request: Request): boolean {
  try {
    structuredClone(request)
    return true
  } catch {
    return false
  }
}
