// Real verifiers of the SDK, some of them in one process. Each refuses as soon as it has checked and applied what came; when that
// is, is asked after its stream has brought something, and not all the time, so that asking takes no processor from the others.

import { AgentKey, createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { type Asked, now, type Operator, type Said, told } from './feed_process.ts'

const operator = await told<Operator>()
const { issuer, clientId, audience, scope } = operator
const key = await AgentKey.fromJwk(operator.jwk)

type Point = { verifier: Verifier; arrived(): void }
const points: Point[] = []
let accepted: { token: string; left: Set<Point>; each: number[]; at: bigint; told?: () => void } | undefined

function addPoint(): void {
  const point: Point = {
    verifier: createVerifier({
      resource: audience,
      issuers: [{ issuer, operator: createAgent({ issuer, clientId, key, fetch: listening(() => point.arrived()) }) }],
      proof: 'optional',
    }),
    arrived: () => void untilRefused(point, now()),
  }
  points.push(point)
}

async function untilRefused(point: Point, arrivedAt: bigint): Promise<void> {
  const round = accepted
  // Whatever it does with the event takes a few turns; a heartbeat leads to nothing.
  const until = performance.now() + 500
  while (round?.left.has(point) && performance.now() < until) {
    const code = await codeAt(point, round.token)
    if (code === undefined) {
      await new Promise((resolve) => setImmediate(resolve))
      continue
    }
    if (code !== 'revoked') return say({ failed: `refused for another reason: ${code}` })
    round.at = now()
    round.left.delete(point)
    round.each.push(Number(round.at - arrivedAt))
    if (round.left.size === 0) round.told?.()
  }
}

async function codeAt({ verifier }: Point, token: string): Promise<string | undefined> {
  const request = new Request(`${audience}/records`, { headers: { authorization: `Bearer ${token}` } })
  const verdict = await verifier.verify(request, { scope })
  return verdict.ok ? undefined : verdict.refusal.code
}

function say(said: Said): void {
  process.send?.(said)
}

/** A fetch that says when a stream of events brought something. */
function listening(arrived: () => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response
    const noting = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk)
        arrived()
      },
    })
    return new Response(response.body?.pipeThrough(noting), response)
  }
}

process.on('message', async (asked: Asked) => {
  try {
    if (asked.ask === 'count') {
      while (points.length < asked.count) addPoint()
      await Promise.all(points.map(({ verifier }) => verifier.ready(60_000)))
      return say({ at: `${now()}` })
    }
    if (asked.ask === 'accept') {
      const { token } = asked
      for (const point of points) {
        const code = await codeAt(point, token)
        if (code !== undefined) return say({ failed: `refused before it was revoked: ${code}` })
      }
      accepted = { token, left: new Set(points), each: [], at: 0n }
      return say({ at: `${now()}` })
    }
    const round = accepted
    if (asked.ask !== 'refused' || !round) return say({ failed: `not asked here: ${asked.ask}` })
    const answer = () => say({ at: `${round.at}`, each: round.each })
    if (round.left.size === 0) answer()
    else round.told = answer
  } catch (error) {
    say({ failed: `${error}` })
  }
})
process.on('disconnect', () => process.exit(0))
