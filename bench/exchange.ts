import type { JsonObject } from '@credence/protocol'
import { type Delegator, delegate } from '../sdks/typescript/src/agent/delegate.ts'
import { systemClock } from '../sdks/typescript/src/runtime.ts'
import { build, cpuMs, deploy } from './deployed.ts'
import { type Form, postForms } from './load.ts'
import { type Figure, figure, ratios } from './report.ts'
import { exchanging, tokenForm } from './token_form.ts'
import { type Furnished, furnish } from './world.ts'

const ROUNDS = 5
const PER_ROUND = Number(process.env.BENCH_PER_ROUND ?? 2000)
const WARM_UP = 3 * PER_ROUND
const CONNECTIONS = 16
const DEPTHS = [1, 4] as const

/** What an exchange of a delegation costs, by how many hops it has: the statements are registered, the token is new each time. */
export const measureExchange = async (): Promise<Figure[]> => {
  build()
  const authority = await deploy()
  try {
    await authority.start()
    const world = await furnish({ ...authority, installationSecret: authority.installationSecret() })
    const chains = await chainsOf(world)
    const seen = new Map(DEPTHS.map((depth) => [depth, { perSecond: [] as number[], cpu: [] as number[] }]))
    // The first round warms up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [depth, subject] of chains) {
        const forms = await prepare(world, subject, round === 0 ? WARM_UP : PER_ROUND)
        const before = cpuMs(authority.pid())
        const { perSecond, refused, firstRefusal } = await postForms([`${world.issuer}/token`], forms, CONNECTIONS)
        if (refused > 0) throw new Error(`${refused} were refused: ${firstRefusal}`)
        if (round === 0) continue
        seen.get(depth)?.perSecond.push(perSecond)
        seen.get(depth)?.cpu.push(((cpuMs(authority.pid()) - before) * 1000) / forms.length)
      }
    }
    const figures: Figure[] = []
    for (const [depth, { perSecond, cpu }] of seen) {
      const name = `exchange, chain of ${depth}, ${CONNECTIONS} connections, credence, SQLite, durable`
      figures.push(figure(name, '/s', perSecond), figure(`${name}, processor time`, 'us', cpu))
    }
    const times = ratios(seen.get(4)?.cpu ?? [], seen.get(1)?.cpu ?? [])
    const goal = { says: 'at most 1.8', holds: (value: number) => value <= 1.8 }
    figures.push(figure('exchange, chain of 4, processor time beside a chain of 1', 'times', times, goal))
    return figures
  } finally {
    await authority.remove()
  }
}

/** Chains that begin with the person and end with the same agent, so that who asks does not differ. */
const chainsOf = async (world: Furnished): Promise<Map<(typeof DEPTHS)[number], string>> => {
  const { person, issuer, agent, audience, scope } = world
  const jwk: JsonObject = agent.key.publicJwk
  await world.post(`/v1/people/${person}/keys`, { jwk })
  const chains = new Map<(typeof DEPTHS)[number], string>()
  for (const depth of DEPTHS) {
    let from: Delegator = { iss: person, issuer, key: agent.key, clock: systemClock }
    let chain: string | undefined
    for (let left = depth - 1; left >= 0; left--) {
      const next = left === 0 ? agent : await world.register(`hop-${depth}-${left}`)
      const handover = { to: next.clientId, resources: [audience], scope, maxDepth: left }
      chain = await delegate(from, handover, chain)
      from = { iss: next.clientId, issuer, key: next.key, clock: systemClock }
    }
    chains.set(depth, chain ?? '')
  }
  return chains
}

const prepare = ({ issuer, agent, audience, scope }: Furnished, subject: string, count: number): Promise<Form[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const form = { ...exchanging(subject), resource: audience, scope }
      const now = Math.floor(Date.now() / 1000)
      return { body: (await tokenForm({ issuer, clientId: agent.clientId, key: agent.key, now, form })).toString() }
    }),
  )
