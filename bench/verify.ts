import { createDpopProof } from '@credence/protocol'
import { createAgent } from '@credence/sdk'
import { createVerifier } from '@credence/sdk/verify'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Figure, figure } from './report.ts'
import { bearerToken, startWorld } from './world.ts'

const ROUNDS = 5
const AT_ONCE = 32

type Contestant = {
  name: string
  calls: number
  prepare?(calls: number): Promise<void>
  verify(call: number): Promise<void>
}

/** Verifications per second in one process, ours beside `jose.jwtVerify` on the very same tokens and keys. */
export const measureVerification = async (): Promise<Figure[]> => {
  const world = await startWorld()
  const { issuer, audience, scope } = world
  const worker = createAgent({ issuer, clientId: world.agent.clientId, key: world.agent.key })
  const operator = createAgent({ issuer, clientId: world.operator.clientId, key: world.operator.key })
  const verifying = (keep: number) =>
    createVerifier({ resource: audience, issuers: [{ issuer, operator }], proof: 'optional', keep })
  const warm = verifying(1000)
  const cold = verifying(1)
  try {
    await Promise.all([warm.ready(), cold.ready()])
    // A verifier that has just started asks for a nonce in each proof until none from before its start can pass.
    await new Promise((resolve) => setTimeout(resolve, 7000))
    const bearer = await Promise.all([bearerToken(world), bearerToken(world)])
    const bound = await worker.token({ resource: audience, scope })
    const keySet = createLocalJWKSet((await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet)

    const request = (headers: Record<string, string>): Request => new Request(`${audience}/records`, { headers })
    const asBearer = bearer.map((token) => request({ authorization: `Bearer ${token}` }))
    let proven: Request[] = []

    const must = async (verdict: ReturnType<typeof warm.verify>): Promise<void> => {
      const seen = await verdict
      if (!seen.ok) throw seen.refusal
    }
    const contestants: Contestant[] = [
      {
        name: 'credence, token seen before, lineage checked',
        calls: 200_000,
        verify: () => must(warm.verify(asBearer[0] as Request, { scope })),
      },
      {
        name: 'credence, token not seen before',
        calls: 20_000,
        // Two tokens take turns in a memory for one, so each comes as a stranger.
        verify: (call) => must(cold.verify(asBearer[call % 2] as Request, { scope })),
      },
      {
        name: 'credence, token seen before, fresh DPoP proof',
        calls: 10_000,
        prepare: async (calls) => {
          const now = Math.floor(Date.now() / 1000)
          const url = `${audience}/records`
          proven = await Promise.all(
            Array.from({ length: calls }, async () =>
              request({
                authorization: `DPoP ${bound.value}`,
                dpop: await createDpopProof(world.agent.key, { method: 'GET', url, now, accessToken: bound.value }),
              }),
            ),
          )
        },
        verify: (call) => must(warm.verify(proven[call] as Request, { scope })),
      },
      {
        name: 'jose.jwtVerify, local key set',
        calls: 20_000,
        verify: async (call) => {
          await jwtVerify(bearer[call % 2] as string, keySet, {
            issuer,
            audience,
            typ: 'at+jwt',
            algorithms: ['ES256'],
          })
        },
      },
    ]
    const rates = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
    for (let round = 0; round <= ROUNDS; round++) {
      for (const contestant of contestants) {
        const rate = await measure(contestant)
        if (round > 0) rates.get(contestant.name)?.push(rate)
      }
    }
    return contestants.map(({ name }) => figure(`verifications, ${name}`, '/s', rates.get(name) ?? []))
  } finally {
    await Promise.all([warm.stop(), cold.stop()])
    await world.stop()
  }
}

const measure = async ({ calls, prepare, verify }: Contestant): Promise<number> => {
  await prepare?.(calls)
  const started = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < calls) await verify(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return (calls * 1000) / (performance.now() - started)
}
