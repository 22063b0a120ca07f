// F17 and F18: many verifiers of one authority. One that reads a byte a second holds up nobody and fills nothing; and when the
// authority is killed, all come back by themselves, spread, and are fresh again.

import { newId } from '@credence/protocol'
import { AgentKey, createAgent } from '@credence/sdk'
import { createVerifier, type FeedReport, type Verifier } from '@credence/sdk/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestOrganization } from '../authority.ts'
import { made } from '../revocation/enforcement_point.ts'
import { type Deployment, deploy } from './deployment.ts'
import { type NetworkProxy, startProxy } from './proxy.ts'
import { isLong } from './rounds.ts'

const herd = isLong ? 400 : 60
const revocations = isLong ? 20_000 : 60
const audience = 'https://api.example/'
const timeout = isLong ? 900_000 : 60_000

type Member = { verifier: Verifier; requests: number }

let deployment: Deployment
let acme: TestOrganization
let proxy: NetworkProxy
let slow: Member
const members: Member[] = []

const feedOf = ({ verifier }: Member) => verifier.state().issuers[acme.issuer] as FeedReport
const seqs = () => new Set(members.map((member) => feedOf(member).seq))
const until = (what: () => boolean) => expect.poll(what, { timeout, interval: 25 }).toBe(true)

/** They share one operator, as the replicas of a service do. */
async function operate(clientId: string, id: string) {
  const key = await AgentKey.generate()
  await made(acme.api('post', `/v1/agents/${id}/credentials`, { kind: 'public_key', jwk: key.publicJwk }))
  return (origin: string): Member => {
    const member = { requests: 0 } as Member
    const through: typeof fetch = (input, init) => {
      const { pathname, search } = new URL(String(input))
      if (pathname.endsWith('/revocations/stream')) member.requests += 1
      return fetch(`${origin}${pathname}${search}`, init)
    }
    const operator = createAgent({ issuer: acme.issuer, clientId, key, fetch: through })
    member.verifier = createVerifier({ resource: audience, issuers: [{ issuer: acme.issuer, operator }] })
    return member
  }
}

async function revoke(more: object = {}) {
  return made(acme.api('post', '/v1/revocations', { id: newId('tok'), cause: 'test', ...more }))
}

beforeAll(async () => {
  deployment = await deploy('sqlite')
  acme = await deployment.createOrganization('acme')
  const owner = (await made(acme.api('post', '/v1/people', { name: 'Ada' }))).id
  const agent = await made(acme.api('post', '/v1/agents', { handle: 'operator', owner, purpose: 'Runs the service.' }))
  const resource = { audience, name: 'A service', scopes: ['repo:read'], operator: agent.id }
  await made(acme.api('post', '/v1/resources', resource))
  proxy = await startProxy(() => ({ port: Number(new URL(deployment.origin).port), host: '127.0.0.1' }))
  const join = await operate(agent.client_id, agent.id)
  for (let n = 0; n < herd; n++) members.push(join(deployment.origin))
  slow = join(proxy.origin)
  await Promise.all([...members, slow].map(({ verifier }) => verifier.ready(timeout)))
}, timeout)
afterAll(async () => {
  await Promise.all([...members, slow].map((member) => member?.verifier.stop()))
  await proxy?.stop()
  await deployment?.remove()
})

test('one of them reads a byte a second', { timeout }, async () => {
  const [authority] = deployment.processes
  const before = await authority?.vitals()
  proxy.down.bytesPerSecond = 1
  for (let done = 0; done < revocations; done += 20) await Promise.all(Array.from({ length: 20 }, () => revoke()))
  const last = await revoke({ wait_ms: 1_000 })
  const head = last.fact.seq
  await until(() => seqs().size === 1 && seqs().has(head))
  expect(members.every(({ verifier }) => verifier.state().ready)).toBe(true)
  // Everybody knows but it, and nobody says that it does.
  expect(feedOf(slow).seq).toBeLessThan(head)
  expect(last.acknowledged.all).toBe(false)
  const after = await authority?.vitals()
  const mib = (bytes = 0) => Math.round(bytes / 2 ** 20)
  console.log(
    `${herd} verifiers, ${head} facts: the authority held ${mib(before?.rss)} MiB before, ${mib(after?.rss)} after`,
  )
  // What it may lag behind by is 256 KiB; the rest is what this much work takes.
  expect((after?.heapUsed ?? 0) - (before?.heapUsed ?? 0)).toBeLessThan(32 * 2 ** 20)
  proxy.heal()
  // What is under way comes at once; it may have been given up meanwhile.
  await until(() => feedOf(slow).seq === head && slow.verifier.state().ready)
})

test('the authority is killed and comes back', { timeout }, async () => {
  const [authority] = deployment.processes
  const all = [...members, slow]
  for (const member of all) member.requests = 0
  await authority?.kill()
  await until(() => all.every((member) => !feedOf(member).connected))
  await authority?.start()
  const began = performance.now()
  const { fact } = await revoke()
  await until(() => all.every((member) => feedOf(member).seq === fact.seq && member.verifier.state().ready))
  const tookMs = Math.round(performance.now() - began)
  const requests = all.map((member) => member.requests)
  const { rss = 0 } = (await authority?.vitals()) ?? {}
  console.log(
    `${all.length} fresh again ${tookMs} ms after the authority answered, which held ${Math.round(rss / 2 ** 20)} MiB`,
  )
  // They come back less and less often while there is nobody, and each is let in at last.
  expect(Math.max(...requests)).toBeLessThan(40)
  expect(Math.min(...requests)).toBeGreaterThan(0)
})
