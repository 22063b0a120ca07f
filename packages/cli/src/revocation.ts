import type { Command } from 'commander'
import { distance, moment, type Output, type Paint, printable } from './output.ts'
import { waiting } from './words.ts'

/** What the authority answers when something ends: the three moments after which it cannot be used any more. */
export type Revoked = {
  id: string
  cause: string
  already_ended: boolean
  committed_at_ms: number
  acknowledged: { points: number; of: number; by_ms: number | null; all: boolean }
  leases_over_by_ms: number
  last_token_expired_by_ms: number
}

export type Ending = { cause?: string; wait?: number }

/** The options of a command that ends something. */
export function ending(command: Command): Command {
  return command
    .option('--cause <word>', 'why, in one word of the log')
    .option(
      '--wait <duration>',
      'how long to wait for enforcement points to have heard: 500ms, 2s or plain seconds, at most 10s',
      waiting,
    )
}

/** Those options in a body. */
export function endingBody({ cause, wait }: Ending): { cause?: string; wait_ms?: number } {
  return { ...(cause !== undefined && { cause }), ...(wait !== undefined && { wait_ms: wait }) }
}

/** Those options in a query, for what is ended by DELETE. */
export function endingQuery(options: Ending, more: Record<string, string> = {}): string {
  const all = Object.entries({ ...more, ...endingBody(options) })
  const query = new URLSearchParams(all.map(([name, value]) => [name, `${value}`]))
  return query.size === 0 ? '' : `?${query}`
}

/** That it has ended, in words, and by when everybody goes by it. */
export function tellEnded(output: Output, revoked: Revoked, says: string): void {
  output.value(revoked, () => {
    output.line(printable(says))
    for (const line of reachLines(revoked, output.paint)) output.line(line)
  })
}

/** The three moments, a line each, seen from the one at which the end was durable. */
export function reachLines(revoked: Revoked, paint: Paint): string[] {
  const { committed_at_ms: from, acknowledged, leases_over_by_ms: leases, last_token_expired_by_ms: tokens } = revoked
  const { points, of, by_ms: by, all } = acknowledged
  // Whoever answers may give other things than numbers.
  const heard = !all
    ? printable(`${points} of ${of} enforcement points; the rest stops with its lease`)
    : of === 0
      ? 'no enforcement point holds a lease'
      : printable(`${points} of ${of} enforcement points, ${after(by ?? from, from)}`)
  return [
    `${paint.dim('acknowledged     ')}${heard}`,
    `${paint.dim('leases over      ')}${after(leases, from)}  ${paint.dim('whoever was cut off has stopped by then')}`,
    `${paint.dim('tokens expired   ')}${after(tokens, from)}  ${paint.dim(`the hard bound: ${moment(tokens)}`)}`,
  ]
}

function after(ms: number, fromMs: number): string {
  return ms <= fromMs ? 'at once' : `${distance(ms, fromMs).replace(/^in /, '')} after`
}
