// A123 of the attack list: what the time of an answer tells. SECURITY.md says which names are no secret; of what is one, nothing may show.
//
// Bounded here, 1e5 samples and dudect's threshold of 4.5 under CREDENCE_LONG=1. FAULT_SEED repeats the order of a run.

import { createHash, randomBytes } from 'node:crypto'
import { Agent as Connections, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateSigningKey, signClientAssertion } from '@credence/protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newSecret, readSecret, sameHash } from '../../packages/authority/src/agents/secret.ts'
import { startTestAuthority, type TestAuthority, type TestOrganization } from '../authority.ts'
import { type Agent, castOf, seconds } from '../cast.ts'
import { Chance, newSeed } from '../faults/chance.ts'
import { measure, type Trial, tells } from './timing.ts'

vi.setConfig({ testTimeout: 3_600_000 })

const isLong = process.env.CREDENCE_LONG === '1'
const seed = newSeed()
const chance = new Chance(seed)
const inProcess = { samples: isLong ? 100_000 : 4_000, threshold: isLong ? 4.5 : 10, repeats: 3, chance }
const overHttp = { samples: isLong ? 100_000 : 300, threshold: isLong ? 4.5 : 10, repeats: 3, chance }

/** A text of its own in memory, so that nothing is equal for being the same. */
const own = (text: string) => Buffer.from(text).toString()

/** The same secret with another letter near its beginning (0), or at its very end (1). */
function wrongOnes(text: string, from: number): [string, string] {
  const changed = (at: number) => own(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
  return [changed(from), changed(text.length - 1)]
}

async function expectSilence(trial: Trial, how: typeof inProcess): Promise<void> {
  const { told, seen } = await tells(trial, how)
  expect(told, `seed ${seed}: ${JSON.stringify(seen)}`).toBe(false)
}

async function expectTold(trial: Trial, how: typeof inProcess): Promise<void> {
  const { told, seen } = await tells(trial, { ...how, threshold: 4.5 })
  expect(told, `seed ${seed}: ${JSON.stringify(seen)}`).toBe(true)
}

describe('what leaks is seen', () => {
  test('a comparison that stops at the first difference', async () => {
    const kept = randomBytes(24_000).toString('base64')
    const shown = wrongOnes(kept, 0)
    await expectTold((kind) => kept === shown[kind], inProcess)
  })

  test('an answer that comes sooner for who is not known', async () => {
    const server = createServer((incoming, response) => {
      let hash = 'x'
      const rounds = incoming.url === '/known' ? 1_000 : 0
      for (let round = 0; round < rounds; round++) hash = createHash('sha256').update(hash).digest('hex')
      response.end(hash.slice(0, 1))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const line = lineTo(port)
    await expectTold((kind) => line.send(kind === 0 ? '/known' : '/nobody', {}), overHttp)
    line.close()
    server.close()
  })
})

describe('secrets, compared in this process', () => {
  const kinds = ['client_secret', 'api_key', 'administrator'] as const

  test.each(kinds)('%s: how much of it is right does not show', async (kind) => {
    const id = `${kind === 'administrator' ? 'adm' : 'crd'}_${'A'.repeat(22)}`
    const { text, hash } = newSecret(kind, id)
    const shown = wrongOnes(text, text.length - 43)
    await expectSilence((which) => sameHash(hash, readSecret(shown[which])?.hash ?? ''), inProcess)
  })

  test('hashes: where the first difference is does not show', async () => {
    const kept = createHash('sha256').update(seed.toString()).digest('base64url')
    const shown = wrongOnes(kept, 0)
    await expectSilence((kind) => {
      for (let times = 0; times < 64; times++) sameHash(kept, shown[kind])
    }, inProcess)
  })
})

describe('over HTTP', () => {
  let authority: TestAuthority
  let acme: TestOrganization
  let line: ReturnType<typeof lineTo>
  let agent: Agent
  let suspended: Agent
  const secrets: Record<string, string> = {}
  const tokens = { grant_type: 'client_credentials', resource: 'https://api.example/' }
  const form = (fields: Record<string, string>) => new URLSearchParams({ ...tokens, ...fields }).toString()
  const post = (body: string, headers: Record<string, string> = {}) =>
    line.send('/o/acme/token', { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body)

  beforeAll(async () => {
    authority = await startTestAuthority({
      organizations: ['acme'],
      settings: { failuresPerMinute: 0, logLevel: 'error' },
    })
    acme = authority.organizations.acme as TestOrganization
    line = lineTo(Number(new URL(authority.origin).port))
    const cast = castOf(acme)
    const ada = await cast.person('Ada')
    const policy = { credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] } }
    agent = await cast.agent('agent', ada, policy)
    suspended = await cast.agent('suspended', ada, policy)
    for (const kind of ['client_secret', 'api_key'])
      secrets[kind] = (await acme.api('post', `/v1/agents/${agent.id}/credentials`, { kind })).body.secret
    await acme.api('post', `/v1/agents/${suspended.id}/suspend`)
  })
  afterAll(async () => {
    line.close()
    await authority.stop()
  })

  test('a client secret: how much of it is right does not show', async () => {
    const shown = wrongOnes(secrets.client_secret ?? '', 27 + 22)
    const bodies = shown.map((client_secret) => form({ client_id: agent.clientId, client_secret })) as [string, string]
    expect((await post(bodies[0])).status).toBe(401)
    await expectSilence((kind) => post(bodies[kind]), overHttp)
  })

  test('an API key and an administrator’s secret: nor of these', async () => {
    const keys = wrongOnes(secrets.api_key ?? '', 27 + 22).map((key) => ({ authorization: `Bearer ${key}` }))
    await expectSilence((kind) => post(form({}), keys[kind]), overHttp)
    const others = wrongOnes(acme.administratorSecret, 36 + 2).map((key) => ({ authorization: `Bearer ${key}` }))
    expect((await line.send('/o/acme/v1/people', others[1] ?? {})).status).toBe(401)
    await expectSilence((kind) => line.send('/o/acme/v1/people', others[kind] ?? {}), overHttp)
  })

  test('whether a client exists does not show to who has no secret of it', async () => {
    const [client_secret] = wrongOnes(secrets.client_secret ?? '', 27 + 22)
    const ids = [agent.clientId, agent.clientId.replace(/agent$/, 'nobod')] as const
    const bodies = ids.map((client_id) => form({ client_id, client_secret })) as [string, string]
    await expectSilence((kind) => post(bodies[kind]), overHttp)
  })

  const signedBy = async (clientId: string, kid: string): Promise<string> => {
    const key = await generateSigningKey('ES256', { kid })
    const assertion = await signClientAssertion(key, { clientId, issuer: acme.issuer, now: seconds(), lifetime: 300 })
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return form({ client_assertion: assertion, client_assertion_type })
  }

  test('whether an agent is suspended does not show to who cannot sign for it', async () => {
    const bodies = await Promise.all([agent, suspended].map(({ clientId, key }) => signedBy(clientId, key.kid)))
    const [one, other] = bodies as [string, string]
    expect((await post(one)).status).toBe(401)
    // A signed body is good for five minutes only.
    await expectSilence((kind) => post(kind === 0 ? one : other), {
      ...overHttp,
      samples: Math.min(overHttp.samples, 20_000),
    })
  })

  /** Client and key ids are public names, and what is found for one costs what it costs; the signature is checked all the same. */
  test('for a client or key that does not exist a signature is checked all the same', async () => {
    const known = await signedBy(agent.clientId, agent.key.kid)
    const unknown = await signedBy(agent.clientId.replace(/agent$/, 'nobod'), agent.key.kid)
    const ratios: number[] = []
    for (let repeat = 0; repeat < 3; repeat++) {
      const { means } = await measure((kind) => post(kind === 0 ? known : unknown), 300, chance)
      ratios.push(means[0] / means[1])
      if (means[0] / means[1] < 1.3) break
    }
    expect(Math.min(...ratios), `seed ${seed}: ${ratios}`).toBeLessThan(1.3)
  })
})

/** One connection, kept: what is sent over it and how it was answered. */
function lineTo(port: number) {
  const agent = new Connections({ keepAlive: true, maxSockets: 1 })
  return {
    send: (path: string, headers: Record<string, string>, body?: string) =>
      new Promise<{ status: number | undefined }>((resolve, reject) => {
        const method = body === undefined ? 'GET' : 'POST'
        const sent = request(
          { host: '127.0.0.1', port, path, method, agent, headers: { host: `localhost:${port}`, ...headers } },
          (response) => {
            response.resume()
            response.on('end', () => resolve({ status: response.statusCode }))
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
    close: () => agent.destroy(),
  }
}
