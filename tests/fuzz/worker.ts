// The thread that fuzzes. Its main thread (main.ts) watches it.

import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { addToCorpus, readCorpus, writeCorpus } from './corpus.ts'
import { Coverage } from './coverage.ts'
import { root } from './dictionary.ts'
import { Fuzzer } from './fuzzer.ts'
import type { Job, Report } from './main.ts'
import type { Target } from './target.ts'

const { job, current } = workerData as { job: Job; current: SharedArrayBuffer }
const counter = new Int32Array(current, 0, 2)
const shown = new Uint8Array(current, 8)

const ours = pathToFileURL(root).href
// Everything of ours but the fuzzer itself, whose own ways are no merit of an input.
const coverage = new Coverage(
  (url) => url.startsWith(`${ours}/packages/`) || url.startsWith(`${ours}/sdks/`) || url.endsWith('/toys.ts'),
)

const { targets } = (await import(`./targets/${job.group}.ts`)) as { targets: readonly Target[] }
const chosen = targets.filter(({ name }) => job.only === undefined || job.only.includes(name))

let unhandled: unknown
process.on('unhandledRejection', (error) => {
  unhandled = error ?? new Error('a promise rejected with nothing')
})

for (const target of chosen) {
  parentPort?.postMessage({ begun: target.name })
  const fuzzer = new Fuzzer(
    { ...target, check: (input) => checked(target, input) },
    {
      seed: job.seed,
      coverage,
      announce,
      guided: job.guided ?? true,
      reduce: job.reduce ?? job.keep ?? false,
      measure: job.measure ?? job.seconds !== undefined,
    },
  )
  const executions =
    job.seconds === undefined ? Math.ceil(job.executions * (target.share ?? 1)) : Number.MAX_SAFE_INTEGER
  const result = await fuzzer.run(readCorpus(target.name), {
    executions,
    ...(job.seconds !== undefined && { cpuMs: (job.seconds * 1_000) / chosen.length }),
  })
  const { finding, corpus, slow, ...figures } = result
  if (job.keep && finding) addToCorpus(target.name, finding.input)
  else if (job.keep) writeCorpus(target.name, corpus)
  const report: Report = {
    target: target.name,
    ...figures,
    kept: corpus.length,
    ...(finding && { finding: { input: base64(finding.input), error: textOf(finding.error) } }),
    slow: slow.map(({ input, ...times }) => ({ input: base64(input), ...times })),
  }
  parentPort?.postMessage({ report })
}
coverage.close()

async function checked(target: Target, input: Uint8Array): Promise<string> {
  const label = await target.check(input)
  if (unhandled === undefined) return label
  const error = unhandled
  unhandled = undefined
  throw error
}

function announce(input: Uint8Array): void {
  shown.set(input.subarray(0, shown.length))
  Atomics.store(counter, 1, Math.min(input.length, shown.length))
  Atomics.add(counter, 0, 1)
}

function base64(input: Uint8Array): string {
  return Buffer.from(input).toString('base64')
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}
