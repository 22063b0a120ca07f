import { cpus, totalmem } from 'node:os'

/** One figure: the median of its rounds, its spread, and the goal it is held against, if it has one. */
export type Figure = {
  name: string
  value: number
  unit: string
  low: number
  high: number
  goal?: string
  reached?: boolean
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** A figure over the rounds; `goal` says in words what `reached` was decided by. */
export const figure = (
  name: string,
  unit: string,
  rounds: readonly number[],
  goal?: { says: string; holds: (value: number) => boolean },
): Figure => {
  const value = median(rounds)
  return {
    name,
    value,
    unit,
    low: Math.min(...rounds),
    high: Math.max(...rounds),
    ...(goal && { goal: goal.says, reached: goal.holds(value) }),
  }
}

const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value >= 1 ? value.toFixed(1) : value.toFixed(3)

export const machine = (): string =>
  `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform} ${process.arch}`

/** Prints the table for people, or with `--json` the rows for machines. */
export const print = (figures: readonly Figure[], asJson: boolean): void => {
  if (asJson) {
    const rows = figures.map(({ name, value, unit, goal, reached }) => ({
      name,
      value,
      unit,
      goal: goal ?? null,
      reached: reached ?? null,
    }))
    process.stdout.write(`${JSON.stringify({ rows })}\n`)
    return
  }
  const wide = Math.max(...figures.map((f) => f.name.length))
  for (const f of figures) {
    const spread = f.low === f.high ? '' : `  (${rounded(f.low)} to ${rounded(f.high)})`
    const goal = f.goal === undefined ? '' : `  ${f.reached ? 'reached' : 'MISSED'}: ${f.goal}`
    process.stdout.write(`${f.name.padEnd(wide)}  ${rounded(f.value).padStart(9)} ${f.unit}${spread}${goal}\n`)
  }
}
