import { isRefusal } from '@credence/protocol'
import type { CommanderError } from 'commander'
import { jsonText, printable } from './output.ts'

/** Why a command could not do what it was asked, and what to do about it. */
export class Failure extends Error {
  readonly code: string
  readonly hint: string | undefined
  /** 2 for words that are off, 1 for anything else. */
  readonly exit: 1 | 2

  constructor(code: string, message: string, hint?: string, more: { cause?: unknown; exit?: 1 | 2 } = {}) {
    super(message, { cause: more.cause })
    this.name = 'Failure'
    this.code = code
    this.hint = hint
    this.exit = more.exit ?? 1
  }
}

/** A word on the command line that cannot be taken. */
export function misused(message: string, hint?: string): never {
  throw new Failure('usage', message, hint, { exit: 2 })
}

export type Explained = { code: string; message: string; hint?: string; exit: 0 | 1 | 2 }

/** What goes to standard error, and the exit code. */
export function explain(error: unknown): Explained {
  if (error instanceof Failure) {
    return { code: error.code, message: error.message, exit: error.exit, ...(error.hint && { hint: error.hint }) }
  }
  if (isRefusal(error)) {
    const message = error.detail ? `${error.message} ${error.detail}` : error.message
    return { code: error.code, message, hint: error.hint, exit: 1 }
  }
  if (isUsage(error)) {
    const [says = '', guess] = error.message.replace(/^error: /, '').split('\n')
    const hint = [guess?.replace(/^\((.*)\)$/, '$1'), 'Add --help to see what the command takes.']
    return {
      code: 'usage',
      message: sentence(says),
      hint: hint.filter(Boolean).join(' '),
      exit: error.exitCode === 0 ? 0 : 2,
    }
  }
  return {
    code: 'internal_error',
    message: error instanceof Error ? sentence(error.message) : 'Something failed.',
    hint: 'This is a fault in the command itself. Run it with CREDENCE_CLI_DEBUG=1 to see where it happened.',
    exit: 1,
  }
}

/** Whether what was asked for, or all that could be said, has been printed already: help and the version. */
export function isPrinted(error: unknown): boolean {
  return isUsage(error) && /^commander\.(?:help|helpDisplayed|version)$/.test(error.code)
}

/** What commander throws: for words it does not know, and for help it has printed. */
function isUsage(error: unknown): error is CommanderError {
  return (
    error instanceof Error && 'exitCode' in error && String((error as CommanderError).code).startsWith('commander.')
  )
}

export function render({ exit: _, ...explained }: Explained, json: boolean): string {
  if (json) return `${jsonText({ error: explained })}\n`
  const hint = explained.hint ? `\n  ${printable(explained.hint)}` : ''
  return `credence: ${printable(explained.message)} (${printable(explained.code)})${hint}\n`
}

export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?)]$/.test(capital) ? capital : `${capital}.`
}
