// What a campaign leaves to be read: a line for each of its parts, collected by the run (tools/campaign-reporter.mjs).

import { appendFileSync } from 'node:fs'
import { expect } from 'vitest'

export type Noted = {
  /** Of tests that run beside others: their name. */
  test?: string
  /** What it ran on. */
  engine: string
  rounds: number
  /** In the ledger, or sent otherwise. */
  requests: number
  seed: number
}

/** Adds a line to the report of a long run, beside this test's outcome and duration. Otherwise it does nothing. */
export function note(noted: Noted): void {
  const file = process.env.CREDENCE_TEST_CAMPAIGN
  const test = noted.test ?? expect.getState().currentTestName
  if (file && test) appendFileSync(file, `${JSON.stringify({ ...noted, test })}\n`)
}

export function requestsIn({ ledger }: { ledger: { entries: ReadonlyArray<{ says: string }> } }): number {
  return ledger.entries.filter(({ says }) => says === 'asked').length
}

/** `PostgreSQL` for the URL of one. */
export function engineOf(store: string): string {
  return store === 'sqlite' ? 'SQLite' : 'PostgreSQL'
}
