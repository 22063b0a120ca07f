// P1, P2 under F10: the database fails over to a replica that lagged, and acknowledged commits are gone. Verifiers that were told keep
// what they know, the authority finds out, and issues nothing until somebody has looked.

import { setTimeout as sleep } from 'node:timers/promises'
import { createDpopProof } from '@credence/protocol'
import { createAgent } from '@credence/sdk'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { type Agent, seconds } from '../cast.ts'
import { type PostgresServer, postgresMissing, startPostgresPair } from '../postgres.ts'
import { note, requestsIn } from './campaign.ts'
import { Chance, newSeed } from './chance.ts'
import { type AuthorityProcess, deploy, tellLogs } from './deployment.ts'
import { startProxy } from './proxy.ts'
import { isLong, longMs, setStage } from './rounds.ts'
import { audience, type Stage } from './stage.ts'

const rounds = isLong ? 8 : 1

beforeEach((context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
})

// With `memory`, processes live through it and know themselves what they had committed; without, verifiers alone do.
test.for(isLong ? [{ memory: true }, { memory: false }] : [{ memory: false }])(
  'a failover that loses commits, memory of it in the authority: $memory',
  { timeout: rounds * 120_000 },
  async ({ memory }) => {
    const began = performance.now()
    for (let n = 0; n < rounds && (n === 0 || performance.now() - began < longMs); n++) await failOver(memory)
  },
)

async function failOver(memory: boolean): Promise<void> {
  const seed = newSeed()
  const chance = new Chance(seed)
  const { primary, standby } = await startPostgresPair()
  let answering: PostgresServer = primary
  const proxy = await startProxy(() => ({ path: `${new URL(answering.url).searchParams.get('host')}/.s.PGSQL.5432` }))
  const deployment = await deploy(`postgres://postgres@127.0.0.1:${proxy.port}/postgres`, { processes: 2 })
  const verifiers: Verifier[] = []
  try {
    const stage = await setStage(deployment, chance)
    for (const process of deployment.processes) verifiers.push(verifierAt(stage, process))
    await Promise.all(verifiers.map((verifier) => verifier.ready()))
    const [victim, other] = [stage.agent(stage.stoppable[0]?.id ?? ''), stage.agent(stage.steady[0]?.id ?? '')]
    const tokens = [await tokenOf(stage, victim), await tokenOf(stage, other)] as const
    for (let n = 0; n < 3; n++) await end(stage, `task:kept-${n}`)
    const facts = 'select count(*)::int as n from facts'
    await expect.poll(() => ask(standby.url, facts)).toBe(3)

    await standby.lag()
    const lost = 1 + Math.floor(chance.next() * 12)
    for (let n = 1; n < lost; n++) await end(stage, `task:lost-${n}`)
    await end(stage, victim.id)
    const seqs = () => verifiers.map((verifier) => verifier.state().issuers[stage.organization.issuer]?.seq)
    await expect.poll(seqs).toEqual([3 + lost, 3 + lost])

    // From here on: every verdict on what was ended, by those who had heard of it.
    const verdicts: string[] = []
    let over = false
    const judging = judge(verifiers, { victim, token: tokens[0], verdicts, until: () => over })
    if (!memory) await Promise.all(deployment.processes.map((process) => process.kill()))
    process.kill(primary.pid, 'SIGKILL')
    await standby.promote()
    expect(await ask(standby.url, facts)).toBe(3)
    answering = standby
    proxy.cut()
    if (!memory) for (const process of deployment.processes) await process.start()

    const stopped = (agent: Agent) => async () => (await stage.askToken(agent))?.code
    await expect.poll(stopped(victim)).toBe('recovering')
    for (let n = 0; n < 6; n++) expect(await stopped(other)()).toBe('recovering')
    const incarnations = () => verifiers.map((one) => one.state().issuers[stage.organization.issuer]?.incarnation)
    await expect.poll(incarnations).toEqual([2, 2])
    await expect.poll(() => verifiers.map((one) => one.state().ready)).toEqual([true, true])

    // Everything else goes on: tokens from before, revoking, and the feed, also for whoever comes new.
    for (const verifier of verifiers) expect(await verdict(verifier, other, tokens[1])).toBe('permitted')
    await end(stage, tokens[1].jti)
    for (const verifier of verifiers) await expect.poll(() => verdict(verifier, other, tokens[1])).toBe('revoked')
    const late = verifierAt(stage, deployment.processes[1] as AuthorityProcess)
    verifiers.push(late)
    await late.ready()
    expect(await verdict(late, other, tokens[1])).toBe('revoked')

    // What the log says of it, and that nobody lets it go on at once, or after a restart.
    const { body } = await stage.organization.api('get', '/v1/audit/records?after=-1&limit=500')
    const record = body.records.map(({ leaf }: { leaf: object }) => leaf).find(isOfRollback)
    expect(record).toMatchObject({ type: 'revocation.made', cause: 'store_rolled_back', count: lost })
    const again = await stage.organization.api('post', '/v1/revocations/restore', { id: 'issuing' })
    expect([again.status, again.body.code]).toEqual([409, 'conflict'])
    for (const process of deployment.processes) {
      await process.kill()
      await process.start()
    }
    expect(await stopped(other)()).toBe('recovering')
    over = true
    await judging
    expect(new Set(verdicts.filter((one) => one === 'permitted')), `FAULT_SEED=${seed}`).toEqual(new Set())
    expect(verdicts.length).toBeGreaterThan(10)
    note({ engine: 'PostgreSQL', rounds: 1, requests: requestsIn(stage), seed })
    await stage.ledger.close()
  } catch (error) {
    tellLogs(deployment, seed)
    throw error
  } finally {
    await Promise.all(verifiers.map((verifier) => verifier.stop()))
    await deployment.remove()
    await proxy.stop()
    await standby.stop()
    await primary.stop()
  }
}

const isOfRollback = (leaf: { subject?: string }) => leaf.subject === 'issuing'

/** @param process where it reaches the authority */
function verifierAt({ organization, operator }: Stage, process: AuthorityProcess): Verifier {
  const { issuer } = organization
  const reach = (url: string | URL | Request, init?: RequestInit) =>
    fetch(url instanceof Request ? url : `${process.url}${`${url}`.slice(new URL(issuer).origin.length)}`, init)
  const agent = createAgent({ issuer, clientId: operator.clientId, key: operator.key, fetch: reach })
  return createVerifier({ resource: audience, issuers: [{ issuer, operator: agent }], fetch: reach })
}

async function tokenOf(stage: Stage, agent: Agent): Promise<{ compact: string; jti: string }> {
  const answer = await stage.askToken(agent)
  if (!answer?.result.token) throw new Error(`no token: ${answer?.status} ${answer?.code}`)
  return answer.result.token
}

async function end(stage: Stage, id: string): Promise<void> {
  const answer = await stage.ask({ do: 'revoke', id }, { path: '/v1/revocations', json: { id, cause: 'test' } })
  expect(answer?.status).toBe(200)
}

async function verdict(
  verifier: Verifier,
  agent: Agent,
  { compact }: { compact: string },
  nonce?: string,
): Promise<string> {
  const url = `${audience}things`
  const to = { method: 'GET', url, now: seconds(), accessToken: compact, ...(nonce !== undefined && { nonce }) }
  const proof = await createDpopProof(agent.key, to)
  const headers = new Headers({ authorization: `DPoP ${compact}`, dpop: proof })
  const judged = await verifier.verify({ method: 'GET', url, headers })
  if (judged.ok) return 'permitted'
  // A verifier that has just started wants to see that the proof is no older than itself.
  const wanted = judged.refusal.code === 'nonce_required' ? judged.response().headers.get('dpop-nonce') : null
  return wanted !== null && nonce === undefined ? verdict(verifier, agent, { compact }, wanted) : judged.refusal.code
}

async function judge(
  verifiers: readonly Verifier[],
  on: { victim: Agent; token: { compact: string }; verdicts: string[]; until: () => boolean },
): Promise<void> {
  const own = [...verifiers]
  while (!on.until()) {
    for (const verifier of own) on.verdicts.push(await verdict(verifier, on.victim, on.token))
    await sleep(25)
  }
}

async function ask(url: string, sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows[0].n
  } finally {
    await client.end()
  }
}
