/**
 * `npm run bench [-- tokens verify revoke] [--json]`: figures beside named peers, measured in one run, rounds interleaved.
 * The load generator runs on the same machine and takes its share of it.
 */
import { type Figure, machine, print } from './report.ts'
import { measureRevocation } from './revoke.ts'
import { measureTokens } from './tokens.ts'
import { measureVerification } from './verify.ts'

const suites = { tokens: measureTokens, verify: measureVerification, revoke: measureRevocation } as const

const asked = process.argv.slice(2).filter((word) => word !== '--json')
const unknown = asked.filter((word) => !(word in suites))
if (unknown.length > 0) {
  process.stderr.write(`There is no figure ${unknown.join(', ')}: ${Object.keys(suites).join(', ')}.\n`)
  process.exit(2)
}
const asJson = process.argv.includes('--json')
const chosen = Object.entries(suites).filter(([name]) => asked.length === 0 || asked.includes(name))
if (!asJson) process.stdout.write(`${machine()}; load generator on the same machine\n\n`)
const figures: Figure[] = []
for (const [, measure] of chosen) figures.push(...(await measure()))
print(figures, asJson)
