import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '@credence/protocol'
import { AgentKey, delegateAs } from '@credence/sdk'
import pg from 'pg'
import { privateJwkOf } from '../sdks/typescript/src/agent/key.ts'
import { postgresMissing, startPostgres } from '../tests/postgres.ts'
import { build, cpuMs, type Deployed, deploy, kept, residentMiB } from './deployed.ts'
import { fill } from './growth_fill.ts'
import { handleAt, type Size } from './growth_rows.ts'
import { type Figure, figure, median, ratios, type Wanted } from './report.ts'
import { exchanging, tokenForm } from './token_form.ts'
import { furnish } from './world.ts'

const SMALL: Size = { agents: 1_000, delegations: 10_000 }
const LARGE: Size = process.argv.includes('--full')
  ? { agents: 1_000_000, delegations: 10_000_000 }
  : { agents: 100_000, delegations: 1_000_000 }
/** Filled row by row, through the database's own protocol. */
const LARGE_POSTGRES: Size = { agents: 50_000, delegations: 500_000 }

/** A large store takes long to fill: here it is left, and found again. */
const { BENCH_GROWN: keptAt } = process.env

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9)
const PER_ROUND = Number(process.env.BENCH_PER_ROUND ?? 200)
const IDLE_SECONDS = 30

/** A filled store, its authority not running. */
type Grown = {
  authority: Deployed
  size: Size
  issuer: string
  audience: string
  scope: string
  trustDomain: string
  person: string
  /** Of every agent, and of the person. */
  key: AgentKey
}

/** How much issuing and exchanging cost in a small store and in a large one, how long the start takes, and what an idle one holds. */
export const measureGrowth = async (wanted: Wanted): Promise<Figure[]> => {
  build()
  const figures = await between('SQLite', await grow(SMALL), await grow(LARGE), wanted)
  const missing = postgresMissing()
  if (missing !== undefined || !wanted('PostgreSQL')) return figures
  const server = await startPostgres()
  try {
    // Each in a database of its own, by its path.
    const [small, large] = await Promise.all(['small', 'large'].map((name) => databaseAt(server.url, name)))
    figures.push(...(await between('PostgreSQL', await grow(SMALL, small), await grow(LARGE_POSTGRES, large), wanted)))
  } finally {
    await server.stop()
  }
  return figures
}

const between = async (store: string, small: Grown, large: Grown, wanted: Wanted): Promise<Figure[]> => {
  const figures: Figure[] = []
  try {
    for (const grown of [small, large]) {
      const name = `${store}, ${nameOf(grown.size)}`
      const starts: number[] = []
      const cpu: number[] = []
      for (let again = 0; again < 3; again++) {
        await grown.authority.stop()
        starts.push(await grown.authority.start())
        cpu.push(cpuMs(grown.authority.pid()))
      }
      const goal = { says: '2 s', holds: (ms: number) => ms <= 2_000 }
      figures.push(figure(`start, ${name}`, 'ms', starts, goal))
      figures.push(figure(`start, ${name}: processor time`, 'ms', cpu))
    }
    if (wanted('idle memory')) {
      await sleep(IDLE_SECONDS * 1000)
      for (const { authority, size } of [small, large]) {
        const goal = { says: '150 MB', holds: (mib: number) => mib * 1.048576 <= 150 }
        figures.push(figure(`idle memory, ${store}, ${nameOf(size)}`, 'MiB', [residentMiB(authority.pid())], goal))
      }
    }
    figures.push(...(await compare(store, small, large)))
    return figures
  } finally {
    for (const { authority } of [small, large]) await (keptAt === undefined ? authority.remove() : authority.stop())
  }
}

/** Rounds of both in turn, one request at a time, each as another agent. */
const compare = async (store: string, small: Grown, large: Grown): Promise<Figure[]> => {
  const kinds: Record<string, (grown: Grown) => Promise<Form[]>> = {
    'a token': tokens,
    'an exchange of a delegation not seen before': exchanges,
  }
  const figures: Figure[] = []
  for (const [kind, prepare] of Object.entries(kinds)) {
    const of = { small: [] as Cost[], large: [] as Cost[] }
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      const seen = { small: await ask(small, await prepare(small)), large: await ask(large, await prepare(large)) }
      if (round === 0) continue
      of.small.push(seen.small)
      of.large.push(seen.large)
    }
    const name = `${kind}, ${store}, ${nameOf(large.size)}`
    const each = (costs: readonly Cost[], cost: keyof Cost) => costs.map((one) => one[cost])
    const times = (cost: keyof Cost) => ratios(each(of.large, cost), each(of.small, cost))
    const goal = { says: '1.2 times', holds: (value: number) => value <= 1.2 }
    figures.push(figure(name, 'ms', each(of.large, 'ms')))
    figures.push(figure(`${name}: latency beside ${nameOf(small.size)}`, 'times', times('ms'), goal))
    figures.push(figure(`${name}: processor time beside ${nameOf(small.size)}`, 'times', times('cpu')))
  }
  return figures
}

type Form = URLSearchParams
/** Milliseconds each: median latency, and processor time of the authority. */
type Cost = { ms: number; cpu: number }

const ask = async ({ issuer, authority }: Grown, forms: readonly Form[]): Promise<Cost> => {
  const before = cpuMs(authority.pid())
  const latencies: number[] = []
  for (const body of forms) {
    const asked = performance.now()
    const response = await fetch(`${issuer}/token`, { method: 'POST', body })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    latencies.push(performance.now() - asked)
  }
  return { ms: median(latencies), cpu: (cpuMs(authority.pid()) - before) / forms.length }
}

const tokens = (grown: Grown): Promise<Form[]> => all(() => formFor(grown, anyAgent(grown), {}))

/** The statement was signed by its person a moment ago: the authority registers it with the token. */
const exchanges = (grown: Grown): Promise<Form[]> =>
  all(async () => {
    const { person, key, issuer, audience, scope } = grown
    const to = anyAgent(grown)
    const statement = await delegateAs({ person, key, issuer }, { to, resources: [audience], scope })
    return formFor(grown, to, exchanging(statement))
  })

const all = (make: () => Promise<Form>): Promise<Form[]> => Promise.all(Array.from({ length: PER_ROUND }, make))

const anyAgent = ({ size, trustDomain }: Grown): string =>
  `spiffe://${trustDomain}/agent/${handleAt(Math.floor(Math.random() * size.agents))}`

const formFor = ({ issuer, key, audience, scope }: Grown, clientId: string, form: Record<string, string>) =>
  tokenForm({
    issuer,
    clientId,
    key,
    now: Math.floor(Date.now() / 1000),
    form: { resource: audience, scope, ...form },
  })

/** What is needed of a filled store when it is found again. */
type Made = Omit<Grown, 'authority' | 'size' | 'key'> & { jwk: JsonObject }

const grow = async (size: Size, store?: string): Promise<Grown> => {
  const directory = keptAt && join(keptAt, `${store === undefined ? 'sqlite' : 'postgres'}-${size.delegations}`)
  const authority = await deploy({ directory, ...(store !== undefined && { store }) })
  const made = JSON.parse(await keptOrMade(join(authority.directory, 'made.json'), () => make(authority, size))) as Made
  return { authority, size, ...made, key: await AgentKey.fromJwk(made.jwk) }
}

const make = async (authority: Deployed, size: Size): Promise<string> => {
  await authority.start()
  const world = await furnish({ origin: authority.origin, installationSecret: authority.installationSecret() })
  const { issuer, audience, scope, person, agent, organization, post } = world
  await post(`/v1/people/${person}/keys`, { jwk: agent.key.publicJwk })
  await authority.stop()
  const trustDomain = agent.clientId.split('/')[2] ?? ''
  const say = (line: string) => process.stderr.write(`  ${line}\n`)
  say(`filling a store with ${nameOf(size)}`)
  await fill(authority.store, { organization, agent: agent.id, trustDomain }, size, say)
  const jwk = privateJwkOf(agent.key) ?? {}
  return JSON.stringify({ issuer, audience, scope, trustDomain, person, jwk } satisfies Made)
}

const keptOrMade = async (file: string, make: () => Promise<string>): Promise<string> => {
  const found = kept(file, () => '')
  if (found !== '') return found
  const text = await make()
  writeFileSync(file, text)
  return text
}

const nameOf = ({ agents, delegations }: Size): string =>
  `${agents.toLocaleString('en-US')} agents and ${delegations.toLocaleString('en-US')} delegations`

const databaseAt = async (url: string, name: string): Promise<string> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const at = new URL(url)
  at.pathname = `/${name}`
  return at.href
}
