import { type DestinationStream, pino } from 'pino'
import type { Logger } from './telemetry.ts'

const longestText = 1_024

/**
 * JSON lines, to standard error unless `destination` says otherwise; what is not written yet at exit is written then. One event
 * is one line whatever is in it: text is escaped, control and direction characters are replaced, long text is cut.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: clean },
  }
  return pino(options, destination ?? standardError())
}

/** Lines that cannot be written yet wait, up to this many bytes; those after them are lost. */
const mostWaiting = 1_048_576

/** What cannot be said ends nothing: when the disk that the lines go to has room again, so have they. */
function standardError(): DestinationStream {
  const lines = pino.destination({ fd: 2, sync: false, maxLength: mostWaiting })
  lines.on('error', () => {})
  return lines
}

function clean(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cleanValue(value)]))
}

function cleanValue(value: unknown): unknown {
  if (value instanceof Error) return describeError(value)
  return typeof value === 'string' ? cleanText(value) : value
}

function cleanText(text: string): string {
  const cut = text.length > longestText ? `${text.slice(0, longestText)}…` : text
  // C0, DEL, C1 and the characters that turn the direction of text: nothing a terminal or a reader could be fooled by.
  return cut.replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu, '\ufffd')
}

/**
 * What may be kept of an error. Messages of the runtime's own parsers quote what they were given (`Unexpected token … in JSON`),
 * so only where it happened stays of those.
 */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error }
  const quotes = error instanceof SyntaxError || error instanceof URIError || error instanceof TypeError
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return {
    name: error.name,
    ...codeOf(error),
    ...(!quotes && { message: cleanText(error.message) }),
    at: frames.slice(0, 8).map((line) => cleanText(line.trim())),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  }
}

/** Of a refusal, of Node, of a database. */
function codeOf(error: Error): { code?: string } {
  return 'code' in error && typeof error.code === 'string' ? { code: cleanText(error.code) } : {}
}
