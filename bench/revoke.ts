import { setTimeout as sleep } from 'node:timers/promises'
import { privateJwkOf } from '../sdks/typescript/src/agent/key.ts'
import { build, cpuMs, type Deployed, deploy, residentMiB } from './deployed.ts'
import { type FeedProcess, now, type Operator, startFeedProcess } from './feed_process.ts'
import { type Figure, figure, percentile, type Wanted } from './report.ts'
import { bearerToken, type Furnished, furnish } from './world.ts'

/** On a machine that has other things to do: fewer connections where there are many, and fewer revocations. */
const { BENCH_CONNECTIONS: fewer = 10_000, BENCH_REVOCATIONS: seldom = 300 } = process.env
/** How many connections, how many revocations of which the p99 is taken, and the goal for it in milliseconds. */
const CONNECTIONS = [
  { count: 1, revocations: 200 },
  { count: 100, revocations: 300, goal: 10 },
  { count: 1_000, revocations: 300, goal: 100 },
  { count: Number(fewer), revocations: 100, goal: 500 },
]
/** Real verifiers of the SDK among the connections, in so many processes; the rest are sockets that note when the event came. */
const VERIFIERS = 50
const PROCESSES = 2

/** One operator has all these points, which its resource and its organization have to be given room for. */
const environment = { CREDENCE_STREAMS_PER_ORGANIZATION: '12000', CREDENCE_POINTS_PER_RESOURCE: '12000' }

const figureOf = (count: number) => `revoke to refused at the last of ${count.toLocaleString('en-US')}`

/**
 * From sending a revocation to the moment the last of so many connections has it: the last real verifier refuses, and the last
 * socket got the event. All on one machine and one clock; its processors are shared by the authority, those who listen, and this.
 */
export const measureRevocation = async (wanted: Wanted): Promise<Figure[]> => {
  build()
  const authority = await deploy({ environment, flags: process.env.BENCH_FLAGS?.split(' ') ?? [] })
  await authority.start()
  const world = await furnish({ origin: authority.origin, installationSecret: authority.installationSecret() })
  const operator: Operator = {
    ...world,
    clientId: world.operator.clientId,
    jwk: privateJwkOf(world.operator.key) ?? {},
  }
  const idleMiB = residentMiB(authority.pid())
  const sockets = await startFeedProcess('bench/feed_sockets.ts', operator)
  const verifiers = await Promise.all(
    Array.from({ length: PROCESSES }, () => startFeedProcess('bench/feed_verifiers.ts', operator)),
  )
  const figures: Figure[] = []
  try {
    for (const { count, revocations: most, goal } of CONNECTIONS) {
      const revocations = Math.min(most, Number(seldom))
      const name = figureOf(count)
      if (!wanted(`${name}, p99`) && !wanted(`${name}, median`)) continue
      await connectAll(count, verifiers, sockets)
      const rounds: Round[] = []
      const cpuBefore = cpuMs(authority.pid())
      for (let turn = 0; turn < revocations; turn++) {
        // At any moment between two heartbeats.
        await sleep(Math.random() * 100)
        rounds.push(await revokeOnce(world, [...verifiers, sockets]))
      }
      // Heartbeats and acknowledgements included.
      const cpu = (cpuMs(authority.pid()) - cpuBefore) / revocations
      const times = rounds.map(({ lastMs }) => lastMs)
      const goalIs = goal === undefined ? undefined : { says: `${goal} ms`, holds: (value: number) => value <= goal }
      figures.push(figure(`${name}, median of ${revocations}`, 'ms', times))
      figures.push(figure(`${name}: processor time of the authority each`, 'ms', [cpu]))
      figures.push(figure(`${name}, p99`, 'ms', [percentile(times, 0.99)], goalIs))
      figures.push(
        figure(
          `${name}: the order answered`,
          'ms',
          rounds.map(({ answeredMs }) => answeredMs),
        ),
      )
      figures.push(
        figure(
          `${name}: a verifier's own time, of ${Math.min(count, VERIFIERS)} here`,
          'ms',
          rounds.flatMap(({ ownMs }) => ownMs),
        ),
      )
    }
    const most = CONNECTIONS.at(-1)?.count ?? 0
    if (wanted('all fresh again after a restart') || wanted('memory of the authority')) {
      await connectAll(most, verifiers, sockets)
      await sleep(5_000)
      const mostMiB = residentMiB(authority.pid())
      figures.push(figure(`memory of the authority, ${most} connections`, 'MiB', [mostMiB]))
      figures.push(figure('memory of the authority, each connection', 'KiB', [((mostMiB - idleMiB) * 1024) / most]))
      figures.push(...(await restart(authority, world, sockets, most)))
    }
    return figures
  } finally {
    for (const each of [...verifiers, sockets]) each.stop()
    await authority.remove()
  }
}

/** All of them there, and no longer busy with having come. */
const connectAll = async (count: number, verifiers: readonly FeedProcess[], sockets: FeedProcess): Promise<void> => {
  const real = Math.min(count, VERIFIERS)
  await Promise.all(
    verifiers.map((each, place) =>
      each.ask({ ask: 'count', count: Math.floor((real + verifiers.length - 1 - place) / verifiers.length) }),
    ),
  )
  await sockets.ask({ ask: 'count', count: count - real })
  await sleep(2_000)
}

type Round = { lastMs: number; answeredMs: number; ownMs: number[] }
type Answer = { fact: { seq: number } }

const revokeOnce = async (world: Furnished, all: readonly FeedProcess[]): Promise<Round> => {
  const token = await bearerToken(world)
  await Promise.all(all.map((each) => each.ask({ ask: 'accept', token })))
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }
  const sent = now()
  const { fact } = await world.post<Answer>('/v1/revocations', { id: jti, cause: 'benchmark' })
  const answered = now()
  const said = await Promise.all(all.map((each) => each.ask({ ask: 'refused', seq: fact.seq })))
  const last = said.map(({ at }) => BigInt(at)).reduce((a, b) => (a > b ? a : b))
  return {
    lastMs: Number(last - sent) / 1e6,
    answeredMs: Number(answered - sent) / 1e6,
    ownMs: said.flatMap(({ each = [] }) => each.map((ns) => ns / 1e6)),
  }
}

/** `kill -9`, and at once a start: everybody comes back by himself, while tokens are asked for. */
const restart = async (
  authority: Deployed,
  world: Furnished,
  sockets: FeedProcess,
  count: number,
): Promise<Figure[]> => {
  const lost = sockets.ask({ ask: 'lost' })
  await authority.kill()
  await lost
  const begun = now()
  const startMs = await authority.start()
  const latencies: number[] = []
  let refused = 0
  let isOver = false
  const issuing = (async () => {
    while (!isOver) {
      const asked = performance.now()
      const token = await bearerToken(world).catch(() => undefined)
      if (token === undefined) refused += 1
      else latencies.push(performance.now() - asked)
      await sleep(20)
    }
  })()
  const fresh = await sockets.ask({ ask: 'fresh' })
  isOver = true
  await issuing
  const tookMs = Number(BigInt(fresh.at) - begun) / 1e6
  const goal = { says: '10 s', holds: (value: number) => value <= 10 }
  return [
    figure(`all ${count} fresh again after a restart (kill -9)`, 's', [tookMs / 1000], goal),
    figure('of that, the start of the authority', 's', [startMs / 1000]),
    figure('a token meanwhile, median', 'ms', latencies),
    figure('a token meanwhile, p99', 'ms', [percentile(latencies, 0.99)]),
    figure('a token meanwhile, refused', 'of all', [refused / (refused + latencies.length || 1)]),
  ]
}
