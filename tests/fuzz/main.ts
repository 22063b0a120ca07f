// Fuzzes a group of targets (targets/), in a process of its own so that the coverage is that of the parsers alone.
//
//   node --conditions=@credence/source tests/fuzz/main.ts '{"group":"protocol","only":["json"],"executions":20000,"seed":1}'
//
// `seconds` instead of `executions` runs the campaign; `keep` writes what it learnt into corpus/. One line of JSON for each target.

import { Worker } from 'node:worker_threads'
import { newSeed } from '../faults/chance.ts'
import type { Result } from './fuzzer.ts'

export type Job = {
  group: string
  seed: number
  /** Of each target, on top of what is kept of it. */
  executions: number
  /** Of the processor, for the whole group, instead. */
  seconds?: number
  only?: readonly string[]
  keep?: boolean
  /** Reduces what it learns to the least that does the same: always when it is kept. */
  reduce?: boolean
  guided?: boolean
  /** Looks for what takes too much of the processor, as the campaign always does. */
  measure?: boolean
  /** Of the processor, after which an input counts as never read. No honest one takes a hundredth of the default. */
  hangMs?: number
}

/** What one target's run came to. Inputs are base64. */
export type Report = { target: string } & Omit<Result, 'corpus' | 'finding' | 'slow'> & {
    kept: number
    finding?: { input: string; error: string }
    slow: Array<{ input: string; cpuUs: number; usualUs: number }>
  }

const longestInput = 65_536

if (import.meta.main) await main({ seed: newSeed(), executions: 1_000, ...JSON.parse(process.argv[2] ?? '{}') })

async function main(job: Job): Promise<void> {
  const current = new SharedArrayBuffer(8 + longestInput)
  const counter = new Int32Array(current, 0, 2)
  const { hangMs = 20_000 } = job
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { job, current } })
  let target = ''
  let seen = -1
  let since = cpuMs()
  const watch = setInterval(() => {
    const now = Atomics.load(counter, 0)
    if (now !== seen) {
      seen = now
      since = cpuMs()
    } else if (target !== '' && cpuMs() - since > hangMs) {
      const input = Buffer.from(new Uint8Array(current, 8).slice(0, Atomics.load(counter, 1))).toString('base64')
      print({ target, finding: { input, error: `still not read after ${hangMs} ms of the processor` } })
      // A thread that is stuck keeps an ordinary exit waiting.
      process.kill(process.pid, 'SIGKILL')
    }
  }, 500)
  worker.on('message', (message: { begun?: string; report?: Report }) => {
    if (message.begun !== undefined) target = message.begun
    if (message.report !== undefined) print(message.report)
  })
  worker.on('error', (error) => {
    console.error(error)
    process.exitCode = 1
  })
  worker.on('exit', () => clearInterval(watch))
}

/** What all threads of this process used: one that is stuck uses it up, one that others keep from running does not. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

function print(report: object): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}
