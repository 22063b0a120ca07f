/** A heartbeat comes each second: this long without a byte, and the connection is taken for dead (half-open). */
export const silenceMs = 3_000

const backoffMs = { first: 100, most: 5_000 }

/**
 * Milliseconds to wait before the next connection. Half of them are chance, so that many verifiers of one authority do not come
 * back at once.
 *
 * @param failures connections in a row that did not last
 * @param random 0 <= x < 1
 */
export function pauseMs(failures: number, random: number): number {
  return Math.min(backoffMs.most, backoffMs.first * 2 ** failures) * (0.5 + random / 2)
}
