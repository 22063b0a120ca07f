/**
 * `npm run bench [-- <suite or word> ...] [--json]`: figures beside named peers, measured in one run, rounds interleaved.
 * The load generator runs on the same machine and takes its share of it.
 *
 * A suite is a file that exports `measure…(wanted: Wanted): Promise<Figure[]>`, and one row here.
 */
import { measureExchange } from './exchange.ts'
import { measureGrowth } from './growth.ts'
import { machine, print, type Suite, versionsOf } from './report.ts'
import { measureRevocation } from './revoke.ts'
import { measureSize } from './size.ts'
import { measureTokens } from './tokens.ts'
import { measureVerification } from './verify.ts'

/** `about` names the figures in the words of their names: by these words a figure is found and asked for alone. */
const suites: Readonly<Record<string, Suite>> = {
  tokens: {
    about:
      'tokens issued per second, and p99, at 16 and 64 connections; DPoP-bound tokens beside them; credence, SQLite, PostgreSQL, two processes; oidc-provider in memory; the same HTTP server and signatures, no store',
    peers: ['oidc-provider'],
    measure: measureTokens,
  },
  exchange: {
    about: 'exchange of a delegation, chain of 1 and 4: per second, processor time; credence, SQLite',
    measure: measureExchange,
  },
  verify: {
    about:
      'verifications per second, CPU per verification: token not seen before, delegated at depth 1 and 4, chain proven, repeated token, fresh DPoP proof; credence, bare signature check, jose.jwtVerify, fast-jwt, express-oauth2-jwt-bearer; times, share',
    peers: ['jose', 'fast-jwt', 'express', 'express-oauth2-jwt-bearer'],
    measure: measureVerification,
  },
  revoke: {
    about:
      'revoke to refused at the last of 1, 100, 1,000, 10,000 connections: median, p99; all fresh again after a restart; memory',
    measure: measureRevocation,
  },
  growth: {
    about:
      'growth: a token, an exchange, the start and idle memory in a small store and a large one; SQLite, PostgreSQL',
    measure: measureGrowth,
  },
  size: {
    about: 'bundle of an edge verifier, minified and gzipped',
    measure: measureSize,
  },
}

const list = Object.entries(suites)
  .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
  .join('\n')
const help = `npm run bench [-- <suite or word> ...] [--json]

Without words: every figure. A suite's name: its figures. Any other word: the figures that have it in their names.
--full: growth up to 1 million agents and 10 million delegations, which takes most of an hour and 20 GB.
--json prints {"rows": [{"name", "value", "unit", "goal", "reached"}]} and nothing else.

${list}
`

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(help)
  process.exit(0)
}
const asJson = args.includes('--json')
const words = args.filter((word) => !word.startsWith('--')).map((word) => word.toLowerCase())
const unknown = words.filter((word) => !suitesWith(word).length)
if (unknown.length > 0) {
  process.stderr.write(`There is no figure with ${unknown.join(', ')}.\n\n${help}`)
  process.exit(2)
}

const chosen = Object.entries(suites).filter(
  ([name]) => !words.length || words.some((w) => suitesWith(w).includes(name)),
)
if (!asJson) process.stdout.write(`${machine()}\n${versionsOf(chosen.flatMap(([, { peers = [] }]) => peers))}\n\n`)
const figures = []
for (const [name, { measure }] of chosen) {
  const wanted = (figure: string) =>
    !words.length || words.includes(name) || words.some((word) => figure.toLowerCase().includes(word))
  figures.push(...(await measure(wanted)).filter((figure) => wanted(figure.name)))
}
print(figures, asJson)

function suitesWith(word: string): string[] {
  if (Object.hasOwn(suites, word)) return [word]
  return Object.keys(suites).filter((name) => suites[name]?.about.toLowerCase().includes(word))
}
