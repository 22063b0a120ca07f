import { createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import { type Figure, figure, percentile } from './report.ts'
import { bearerToken, startWorld, type World } from './world.ts'

const VERIFIERS = [1, 100] as const
const REVOCATIONS = 50

/**
 * From sending the revocation of a token to the moment the last of so many verifiers refuses it, in milliseconds. Every verifier is
 * a real one with a stream of its own; they share this process, and so its processor.
 */
export const measureRevocation = async (): Promise<Figure[]> => {
  const world = await startWorld()
  const { issuer, audience } = world
  const operator = createAgent({ issuer, clientId: world.operator.clientId, key: world.operator.key })
  const verifiers: Verifier[] = []
  try {
    const figures: Figure[] = []
    for (const count of VERIFIERS) {
      while (verifiers.length < count) {
        verifiers.push(createVerifier({ resource: audience, issuers: [{ issuer, operator }], proof: 'optional' }))
      }
      await Promise.all(verifiers.map((each) => each.ready(30_000)))
      const times: number[] = []
      for (let turn = 0; turn < REVOCATIONS; turn++) times.push(await revokeOnce(world, verifiers))
      const what = `revoke to refused at the last of ${count} verifier${count === 1 ? '' : 's'}`
      figures.push(figure(`${what}, median`, 'ms', times))
      figures.push(figure(`${what}, p99`, 'ms', [percentile(times, 0.99)]))
    }
    return figures
  } finally {
    await Promise.all(verifiers.map((each) => each.stop()))
    await world.stop()
  }
}

const revokeOnce = async (world: World, verifiers: readonly Verifier[]): Promise<number> => {
  const token = await bearerToken(world)
  const request = new Request(`${world.audience}/records`, { headers: { authorization: `Bearer ${token}` } })
  const codeAt = async (verifier: Verifier): Promise<string | undefined> => {
    const verdict = await verifier.verify(request, { scope: world.scope })
    return verdict.ok ? undefined : verdict.refusal.code
  }
  for (const verifier of verifiers) {
    const code = await codeAt(verifier)
    if (code !== undefined) throw new Error(`refused before it was revoked: ${code}`)
  }
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string }
  const started = performance.now()
  const answered = world.post('/v1/revocations', { id: jti, cause: 'benchmark' })
  let waiting = [...verifiers]
  while (waiting.length > 0) {
    // Calls come in all the time; between them the streams must get their turn.
    await new Promise((resolve) => setImmediate(resolve))
    const codes = await Promise.all(waiting.map(codeAt))
    const wrong = codes.find((code) => code !== undefined && code !== 'revoked')
    if (wrong !== undefined) throw new Error(`refused for another reason: ${wrong}`)
    waiting = waiting.filter((_, place) => codes[place] === undefined)
  }
  const took = performance.now() - started
  await answered
  return took
}
