/** A straight line through measurements, by least squares. */
export type Slope = {
  perHour: number
  /** The standard error of `perHour`. */
  error: number
}

/** @param points at least three, at moments in milliseconds that are not all the same. */
export function slopeOf(points: ReadonlyArray<readonly [atMs: number, value: number]>): Slope {
  const count = points.length
  const meanAt = points.reduce((sum, [at]) => sum + at, 0) / count
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / count
  let [square, product] = [0, 0]
  for (const [at, value] of points) {
    square += (at - meanAt) ** 2
    product += (at - meanAt) * (value - mean)
  }
  if (count < 3 || square === 0) throw new Error('no line goes through so few points')
  const slope = product / square
  const residual = points.reduce((sum, [at, value]) => sum + (value - mean - slope * (at - meanAt)) ** 2, 0)
  return { perHour: slope * 3_600_000, error: Math.sqrt(residual / (count - 2) / square) * 3_600_000 }
}

/** Whether it surely rises by more than this an hour: noise alone does not say so. */
export function risesBeyond({ perHour, error }: Slope, most: number): boolean {
  return perHour - 3 * error > most
}
