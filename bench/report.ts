import { readFileSync } from 'node:fs'
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

/** Whether a figure of this name is asked for. What a suite answers beyond that is left out of the table, but costs its time. */
export type Wanted = (figure: string) => boolean

/** Figures that are measured in one run. `peers`: npm packages whose versions are printed. */
export type Suite = { about: string; peers?: readonly string[]; measure(wanted: Wanted): Promise<Figure[]> }

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

/** One contestant beside another, round by round. */
export const ratios = (over: readonly number[], under: readonly number[]): number[] =>
  over.map((value, round) => value / (under[round] ?? Number.NaN))

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

/** The machine, and where the load comes from. */
export const machine = (): string => {
  const [processor] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}, ${memory} GiB, Node ${process.version}, ${process.platform} ${process.arch}; load generator on the same machine`
}

/** The installed versions of packages, in words. */
export const versionsOf = (packages: readonly string[]): string => {
  const versions = [...new Set(packages)].map((name) => {
    const { version } = JSON.parse(
      readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'),
    )
    return `${name} ${version}`
  })
  return versions.length === 0 ? 'no peers' : `peers: ${versions.join(', ')}`
}

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
  if (figures.length === 0) return void process.stdout.write('No figure has that in its name.\n')
  const wide = Math.max(...figures.map((f) => f.name.length))
  for (const f of figures) {
    const spread = f.low === f.high ? '' : `  (${rounded(f.low)} to ${rounded(f.high)})`
    const goal = f.goal === undefined ? '' : `  ${f.reached ? 'reached' : 'MISSED'}: ${f.goal}`
    process.stdout.write(`${f.name.padEnd(wide)}  ${rounded(f.value).padStart(9)} ${f.unit}${spread}${goal}\n`)
  }
}
