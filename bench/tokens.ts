import { createDpopProof, generateSigningKey, type SigningKey } from '@credence/protocol'
import { postgresMissing, startPostgres } from '../tests/postgres.ts'
import { build, deploy } from './deployed.ts'
import { type Form, postForms, type Round, startServer } from './load.ts'
import { type Figure, figure, ratios, type Wanted } from './report.ts'
import { tokenForm } from './token_form.ts'
import { type Furnished, furnish } from './world.ts'

const ROUNDS = 5
const PER_ROUND = Number(process.env.BENCH_PER_ROUND ?? 6000)
const CONNECTIONS = [16, 64] as const
/** How many requests until the machine code of a server is as good as it gets. */
const WARM_UP = 3 * PER_ROUND

/** One server to ask for tokens, and how to ask it. */
type Contestant = {
  name: string
  /** Where it is asked; several processes may be one server. */
  endpoints: readonly string[]
  /** What a proof names. */
  target: string
  issuer: string
  clientId: string
  key: SigningKey
  form: Record<string, string>
}

const PEER = 'oidc-provider, in memory'
const CEILING = 'the same HTTP server and signatures, no store'
const OURS = 'credence, SQLite, durable'

/** Tokens by `client_credentials` with `private_key_jwt`, ES256. What is signed for the requests is signed before a round begins. */
export const measureTokens = async (wanted: Wanted): Promise<Figure[]> => {
  build()
  const stops: Array<() => Promise<unknown>> = []
  try {
    const contestants = [await startOurs(stops), ...(await startPeers(stops)), ...(await startOnPostgres(stops))]
    const figures: Figure[] = []
    for (const proof of [false, true]) {
      const what = proof ? 'DPoP-bound tokens' : 'tokens'
      if (proof && !wanted(what)) continue
      const best = new Map<string, number[]>()
      for (const connections of CONNECTIONS) {
        const rounds = await interleaved(contestants, connections, proof)
        for (const { name } of contestants) {
          const of = rounds.get(name) ?? []
          const rates = of.map(({ perSecond }) => perSecond)
          const title = `${what}, ${connections} connections, ${name}`
          const bounded = !proof && connections === 64 && name === OURS
          const goal = { says: 'below 40 ms', holds: (ms: number) => ms < 40 }
          figures.push(figure(title, '/s', rates))
          figures.push(
            figure(
              `${title}, p99`,
              'ms',
              of.map(({ p99 }) => p99),
              bounded ? goal : undefined,
            ),
          )
          best.set(name, better(best.get(name), rates))
        }
      }
      figures.push(...beside(what, best, proof))
    }
    return figures
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

const better = (one: number[] | undefined, other: number[]): number[] =>
  one === undefined || figure('', '', other).value > figure('', '', one).value ? other : one

/** The better of both numbers of connections, round by round beside the others'. */
const beside = (what: string, best: ReadonlyMap<string, number[]>, proof: boolean): Figure[] => {
  const ours = best.get(OURS) ?? []
  const goals = [
    { other: PEER, says: 'at least 1.5', least: 1.5 },
    { other: CEILING, says: 'at least 0.6', least: 0.6 },
  ]
  return goals.map(({ other, says, least }) =>
    figure(
      `${what}, better of 16 and 64 connections: ${OURS}, beside ${other}`,
      'times',
      ratios(ours, best.get(other) ?? []),
      proof ? undefined : { says, holds: (times) => times >= least },
    ),
  )
}

const interleaved = async (
  contestants: readonly Contestant[],
  connections: number,
  proof: boolean,
): Promise<Map<string, Round[]>> => {
  const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]))
  // The first round warms up and does not count.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const contestant of contestants) {
      const forms = await prepare(contestant, round === 0 ? WARM_UP : PER_ROUND, proof)
      const seen = await postForms(contestant.endpoints, forms, connections)
      if (seen.refused > 0) throw new Error(`${contestant.name} refused ${seen.refused}: ${seen.firstRefusal}`)
      if (round > 0) rounds.get(contestant.name)?.push(seen)
    }
  }
  return rounds
}

const prepare = (contestant: Contestant, count: number, proof: boolean): Promise<Form[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const now = Math.floor(Date.now() / 1000)
      const { key, target } = contestant
      const body = (await tokenForm({ ...contestant, now })).toString()
      if (!proof) return { body }
      return { body, headers: { dpop: await createDpopProof(key, { method: 'POST', url: target, now }) } }
    }),
  )

const startOurs = async (stops: Array<() => Promise<unknown>>): Promise<Contestant> => {
  const authority = await deploy()
  stops.push(authority.remove)
  await authority.start()
  return asked(OURS, await furnish({ ...authority, installationSecret: authority.installationSecret() }))
}

/** The same authority on PostgreSQL, asked at one process and at two. */
const startOnPostgres = async (stops: Array<() => Promise<unknown>>): Promise<Contestant[]> => {
  if (postgresMissing() !== undefined) return []
  const server = await startPostgres()
  stops.push(server.stop)
  const first = await deploy({ store: server.url })
  stops.push(first.remove)
  await first.start()
  const second = await deploy({
    store: server.url,
    environment: { CREDENCE_ORIGIN: first.origin, CREDENCE_WRAPPING_KEYS: first.wrappingKeys },
  })
  stops.push(second.remove)
  await second.start()
  const world = await furnish({ ...first, installationSecret: first.installationSecret() })
  const other = `${second.origin}${new URL(world.issuer).pathname}/token`
  return [
    asked('credence, PostgreSQL', world),
    { ...asked('credence, PostgreSQL, two processes', world), endpoints: [`${world.issuer}/token`, other] },
  ]
}

const asked = (name: string, { issuer, agent, scope, audience }: Furnished): Contestant => ({
  name,
  endpoints: [`${issuer}/token`],
  target: `${issuer}/token`,
  issuer,
  clientId: agent.clientId,
  key: agent.key,
  form: { scope, resource: audience },
})

/** Servers that are told one client and its key, and say where they listen. */
const startPeers = async (stops: Array<() => Promise<unknown>>): Promise<Contestant[]> => {
  const client = await generateSigningKey('ES256', { extractable: true })
  const signing = await generateSigningKey('ES256', { extractable: true })
  const told = {
    clientId: 'bench',
    clientJwk: client.publicJwk,
    signingJwk: { ...signing.privateJwk, kid: signing.kid, alg: 'ES256', use: 'sig' },
    audience: 'http://localhost:7000',
    scope: 'records:read',
  }
  const commands = {
    [PEER]: ['bench/peers/oidc_provider.mjs'],
    [CEILING]: ['--conditions=@credence/source', 'bench/peers/bare.ts'],
  }
  return Promise.all(
    Object.entries(commands).map(async ([name, command]) => {
      const server = await startServer<{ issuer: string; tokenEndpoint: string }>([process.execPath, ...command], told)
      stops.push(server.stop)
      const { issuer, tokenEndpoint } = server.ready
      return {
        name,
        endpoints: [tokenEndpoint],
        target: tokenEndpoint,
        issuer,
        clientId: told.clientId,
        key: client,
        form: { scope: told.scope, resource: told.audience },
      }
    }),
  )
}
