import { createDpopProof, generateSigningKey, type SigningKey } from '@credence/protocol'
import { postForms, type Round, startServer } from './load.ts'
import { type Figure, figure } from './report.ts'
import { tokenForm } from './token_form.ts'
import { startWorld } from './world.ts'

const ROUNDS = 5
const PER_ROUND = 6000
const CONNECTIONS = [16, 64] as const

type Form = { body: string; headers?: Record<string, string> }

/** One server to ask for tokens, and how to ask it. */
type Contestant = {
  name: string
  tokenEndpoint: string
  issuer: string
  clientId: string
  key: SigningKey
  form: Record<string, string>
}

/** Tokens per second, `client_credentials` with `private_key_jwt`, ES256: ours durable in SQLite, oidc-provider in memory. */
export const measureTokens = async (): Promise<Figure[]> => {
  const world = await startWorld()
  const peers = await startPeers(world.audience, world.scope)
  const contestants: Contestant[] = [
    {
      name: 'credence (SQLite, durable)',
      tokenEndpoint: `${world.issuer}/token`,
      issuer: world.issuer,
      clientId: world.agent.clientId,
      key: world.agent.key,
      form: { scope: world.scope, resource: world.audience },
    },
    ...peers.map(({ contestant }) => contestant),
  ]
  try {
    const figures: Figure[] = []
    for (const proof of [false, true]) {
      for (const connections of CONNECTIONS) {
        const rounds = await interleaved(contestants, connections, proof)
        for (const { name } of contestants) {
          const of = rounds.get(name) ?? []
          const what = `${proof ? 'DPoP-bound tokens' : 'tokens'}, ${connections} connections, ${name}`
          figures.push(
            figure(
              what,
              '/s',
              of.map((round) => round.perSecond),
            ),
          )
          figures.push(
            figure(
              `${what}, p99`,
              'ms',
              of.map((round) => round.p99),
            ),
          )
        }
      }
    }
    return figures
  } finally {
    await world.stop()
    await Promise.all(peers.map(({ stop }) => stop()))
  }
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
      const forms = await prepare(contestant, round === 0 ? PER_ROUND / 2 : PER_ROUND, proof)
      const seen = await postForms(contestant.tokenEndpoint, forms, connections)
      if (seen.refused > 0) throw new Error(`${contestant.name} refused ${seen.refused}: ${seen.firstRefusal}`)
      if (round > 0) rounds.get(contestant.name)?.push(seen)
    }
  }
  return rounds
}

/** Signed before the round, so that the generator's signing does not take processor time from the server. */
const prepare = (contestant: Contestant, count: number, proof: boolean): Promise<Form[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const now = Math.floor(Date.now() / 1000)
      const { key, tokenEndpoint } = contestant
      const body = (await tokenForm({ ...contestant, now })).toString()
      if (!proof) return { body }
      return { body, headers: { dpop: await createDpopProof(key, { method: 'POST', url: tokenEndpoint, now }) } }
    }),
  )

/** Servers that are told one client and its key, and say where they listen. */
const startPeers = async (audience: string, scope: string) => {
  const client = await generateSigningKey('ES256', { extractable: true })
  const signing = await generateSigningKey('ES256', { extractable: true })
  const told = {
    clientId: 'bench',
    clientJwk: client.publicJwk,
    signingJwk: { ...signing.privateJwk, kid: signing.kid, alg: 'ES256', use: 'sig' },
    audience,
    scope,
  }
  const commands = {
    'oidc-provider (in memory)': ['bench/peers/oidc_provider.mjs'],
    'same server and signatures (no store)': ['--conditions=@credence/source', 'bench/peers/bare.ts'],
  }
  return Promise.all(
    Object.entries(commands).map(async ([name, command]) => {
      const server = await startServer<{ issuer: string; tokenEndpoint: string }>([process.execPath, ...command], told)
      const contestant: Contestant = {
        name,
        ...server.ready,
        clientId: told.clientId,
        key: client,
        form: { scope, resource: audience },
      }
      return { contestant, stop: server.stop }
    }),
  )
}
