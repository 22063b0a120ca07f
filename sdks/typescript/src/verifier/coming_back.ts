/** A heartbeat comes each second: this long without a byte, and the connection is taken for dead (half-open). */
export const silenceMs = 3_000

const backoffMs = { first: 100, most: 5_000 }
/** No authority sends anybody away for longer: an enforcement point without the feed is soon good for nothing. */
const longestTurnMs = 15_000

/**
 * Milliseconds to wait before the next connection. Half of them are chance, so that many verifiers of one authority do not come
 * back at once.
 *
 * @param failures connections in a row that did not last
 * @param random 0 <= x < 1
 * @param turnSeconds when the authority said that it is this one's turn: not before, and within the second that follows
 */
export function pauseMs(failures: number, random: number, turnSeconds?: number): number {
  if (turnSeconds !== undefined) return Math.min(longestTurnMs, 1_000 * turnSeconds) + 1_000 * random
  return Math.min(backoffMs.most, backoffMs.first * 2 ** failures) * (0.5 + random / 2)
}
