import { distance, moment, type Paint } from './output.ts'

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

/** The three moments, a line each, seen from the one at which the end was durable. */
export function reachLines(revoked: Revoked, paint: Paint): string[] {
  const { committed_at_ms: from, acknowledged, leases_over_by_ms: leases, last_token_expired_by_ms: tokens } = revoked
  const { points, of, by_ms: by, all } = acknowledged
  const heard = !all
    ? `${points} of ${of} enforcement points; the rest stops with its lease`
    : of === 0
      ? 'no enforcement point holds a lease'
      : `${points} of ${of} enforcement points, ${after(by ?? from, from)}`
  return [
    `${paint.dim('acknowledged     ')}${heard}`,
    `${paint.dim('leases over      ')}${after(leases, from)}  ${paint.dim('whoever was cut off has stopped by then')}`,
    `${paint.dim('tokens expired   ')}${after(tokens, from)}  ${paint.dim(`the hard bound: ${moment(tokens)}`)}`,
  ]
}

function after(ms: number, fromMs: number): string {
  return ms <= fromMs ? 'at once' : `${distance(ms, fromMs).replace(/^in /, '')} after`
}
