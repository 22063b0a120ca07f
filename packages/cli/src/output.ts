/** What commands print: a table or a block for people, one JSON value with `--json`. */

/**
 * Makes text from elsewhere safe for a terminal: control characters (ANSI sequences begin with one), line separators, and
 * characters that are invisible or change the direction of others are shown as escapes, so that a name can neither repaint the
 * screen nor reorder or fake a line. Lone surrogates too: a terminal would show something else for them.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** JSON that is as safe for a terminal: the same value, with such characters escaped as JSON has it. */
export function jsonText(value: unknown, indent = 0): string {
  // A line break can only be the indentation's: JSON has none inside a string.
  return JSON.stringify(value, null, indent).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  )
}

/** In UTF-16 units, as JSON escapes. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, unit) => {
    return `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`
  }).join('')
}

export type Paint = Record<'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', (text: string) => string>

const codes: Record<keyof Paint, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** Colours for a terminal that shows them; for any other, the text as it is. */
export function paintFor(colour: boolean): Paint {
  const one = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  return Object.fromEntries(Object.entries(codes).map(([name, code]) => [name, one(code)])) as Paint
}

export type Output = {
  json: boolean
  paint: Paint
  /** Our own words; anything from elsewhere in them has been through `printable`. */
  line(text?: string): void
  /** What the command found, and how a person would like to read it. */
  value(value: unknown, forPeople: () => void): void
  table(columns: readonly string[], rows: ReadonlyArray<ReadonlyArray<unknown>>): void
  /** Name and value, one a line; what is undefined or null is left out. */
  fields(fields: Record<string, unknown>): void
}

export function outputTo(write: (text: string) => void, { json, colour }: { json: boolean; colour: boolean }): Output {
  const paint = paintFor(colour)
  const line = (text = ''): void => write(`${text}\n`)
  return {
    json,
    paint,
    line,
    value: (value, forPeople) => {
      if (json) line(jsonText(value, 2))
      else forPeople()
    },
    table: (columns, rows) => {
      if (rows.length === 0) {
        line(paint.dim('(none)'))
        return
      }
      const cells = rows.map((row) => row.map(cell))
      const widths = columns.map((name, column) =>
        Math.max(name.length, ...cells.map((row) => (row[column] ?? '').length)),
      )
      const lineOf = (row: readonly string[]): string =>
        row
          .map((text, column) => text.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()
      line(paint.dim(lineOf(columns)))
      for (const row of cells) line(lineOf(row))
    },
    fields: (fields) => {
      const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
      const wide = Math.max(0, ...shown.map(([name]) => name.length))
      for (const [name, value] of shown) line(`${paint.dim(name.padEnd(wide))}  ${cell(value)}`)
    },
  }
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return printable(value.join(', '))
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

/** Unix milliseconds as people write a time, in UTC; nothing for none. */
export function moment(ms: number | null | undefined): string {
  return ms === null || ms === undefined
    ? ''
    : new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z')
}

/** `in 4 min`, `3 s ago`, seen from `nowMs`. */
export function distance(ms: number, nowMs: number): string {
  const seconds = Math.abs(ms - nowMs) / 1000
  const size =
    seconds < 1
      ? `${Math.round(seconds * 1000)} ms`
      : seconds < 120
        ? `${Math.round(seconds)} s`
        : seconds < 7_200
          ? `${Math.round(seconds / 60)} min`
          : seconds < 172_800
            ? `${Math.round(seconds / 3600)} h`
            : `${Math.round(seconds / 86_400)} d`
  return ms >= nowMs ? `in ${size}` : `${size} ago`
}
