import { Worker } from 'node:worker_threads'

/** Starts the thread of this name, for one database. */
export function startThread(name: 'writer' | 'checkpointer', file: string): Worker {
  // A build renames what it compiles but not what a URL names.
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./${name}.${suffix}`, import.meta.url), { workerData: { file }, name: `store ${name}` })
}
