// Runs a group of targets as the tests do: in a process of its own, what it reports put against what must hold.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './dictionary.ts'
import type { Job, Report } from './main.ts'

/** Every report, in the order of the targets; one that hangs ends the run, and has only its finding. */
export async function fuzz(job: Job): Promise<Report[]> {
  const script = join(root, 'tests/fuzz/main.ts')
  const child = spawn(process.execPath, ['--conditions=@credence/source', script, JSON.stringify(job)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // Coverage of the whole test run would be another profiler in the same isolate.
    env: { ...process.env, NODE_V8_COVERAGE: undefined },
  })
  const reports: Report[] = []
  for await (const line of createInterface({ input: child.stdout })) reports.push(JSON.parse(line) as Report)
  return reports
}

/** What to do with a report that found something: where it is, and how to see it again. */
export function explained({ group, seed }: Job, { target, finding, slow = [] }: Report): string | undefined {
  if (finding === undefined && slow.length === 0) return undefined
  const again = JSON.stringify({ group, only: [target], seed, executions: 100_000 })
  const lines = [`${target}, repeated by: node --conditions=@credence/source tests/fuzz/main.ts '${again}'`]
  if (finding) lines.push(finding.error, `input (base64): ${finding.input}`, JSON.stringify(plain(finding.input)))
  for (const { input, cpuUs, usualUs } of slow) {
    lines.push(
      `takes ${cpuUs} us of processor time, where ${usualUs} us are usual: ${input}`,
      JSON.stringify(plain(input)),
    )
  }
  return lines.join('\n')
}

function plain(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}
