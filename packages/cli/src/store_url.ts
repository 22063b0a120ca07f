import { misused } from './failure.ts'

/** A password on the command line stands in every process list. */
export function refusePassword(url: string | undefined): void {
  if (url === undefined || !URL.canParse(url) || new URL(url).password === '') return
  misused(
    'The store URL has a password in it, and others on this machine can read the command line.',
    'Put the URL into CREDENCE_STORE, or into a file that CREDENCE_STORE_FILE names.',
  )
}
