// P6, F29: the process dies between any two steps of what is done in several, and every step after has the verdict it has without that.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDpopProof } from '@credence/protocol'
import { expect, test, vi } from 'vitest'
import { call, startTestAuthority } from '../authority.ts'
import { castOf, seconds } from '../cast.ts'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { Chance, newSeed } from './chance.ts'
import { type AuthorityProcess, type Deployment, deploy } from './deployment.ts'
import { isLong } from './rounds.ts'
import { api, type Ground, groundOf, type Step } from './steps.ts'
import { flows } from './steps_flows.ts'

vi.setConfig({ testTimeout: isLong ? 600_000 : 120_000 })

/** Of an everyday run, for each flow: beside the run in which all of it comes before the end. */
const everydayCuts = 1

/** One flow, and before which of its steps the process dies. */
type Run = { name: string; steps: Step[]; cut: number; wrong: string[] }

async function begin(ground: Ground, chance: Chance): Promise<Run[]> {
  const runs: Run[] = []
  for (const [name, flow] of Object.entries(flows)) {
    const { length } = await flow(ground)
    const between = Array.from({ length: length - 1 }, (_, index) => index + 1)
    const cuts = isLong ? between : Array.from({ length: everydayCuts }, () => chance.pick(between))
    for (const cut of [...cuts, length]) runs.push({ name, steps: await flow(ground), cut, wrong: [] })
  }
  return runs
}

async function play({ name, steps, cut, wrong }: Run, from: number, to: number): Promise<void> {
  for (const [what, expected, act] of steps.slice(from, to)) {
    const said = await act().catch((error: Error) => `${error.message} ${error.cause ?? ''}`)
    if (said !== expected) wrong.push(`${name}, died before step ${cut}: ${what}: ${said} instead of ${expected}`)
  }
}

async function all(runs: readonly Run[], act: (run: Run) => Promise<void>): Promise<void> {
  const waiting = [...runs]
  async function work(): Promise<void> {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await act(run)
  }
  await Promise.all(Array.from({ length: 4 }, work))
}

test.for([
  ['SQLite', async (): Promise<string> => 'sqlite'],
  ['PostgreSQL', freshDatabase],
] as const)('a restart between two steps changes no verdict, on %s', async ([name, store], context) => {
  const missing = name === 'PostgreSQL' ? postgresMissing() : undefined
  if (missing) context.skip(missing)
  const seed = newSeed()
  let deployment: Deployment | undefined
  try {
    deployment = await deploy(await store())
    const { createOrganization, directory, origin, processes } = deployment
    const [process] = processes as [AuthorityProcess]
    const secret = readFileSync(join(directory, 'installation-administrator'), 'utf8')
    const files = readdirSync(directory).sort()
    let others = 0
    const ground = await groundOf(await createOrganization('acme'), {
      installation: (method, path, body) => call(secret.trim(), method, `${origin}${path}`, body),
      other: () => createOrganization(`other-${++others}`),
    })
    const runs = await begin(ground, new Chance(seed))
    await all(runs, (run) => play(run, 0, run.cut))
    await process.kill()
    await process.start()
    await all(runs, (run) => play(run, run.cut, run.steps.length))
    expect(
      runs.flatMap(({ wrong }) => wrong),
      `FAULT_SEED=${seed}`,
    ).toEqual([])

    // A second start makes no second secret, and leaves nothing lying about.
    expect(readFileSync(join(directory, 'installation-administrator'), 'utf8')).toBe(secret)
    expect(readdirSync(directory).sort()).toEqual(files)
  } finally {
    await deployment?.remove()
  }
})

test('a nonce given before is good after, for one proof; what was guessed before is no better after', async () => {
  const settings = { dpopNonce: 'required', failuresPerMinute: 3 } as const
  const authority = await startTestAuthority({ organizations: ['acme'], settings })
  try {
    const { acme } = authority.organizations
    if (!acme) throw new Error('there is no organization')
    const cast = castOf(acme)
    const ada = await cast.person('Ada')
    const may = { capabilities: ['repo:*'], permissions: [{ resource: api, scope: 'repo:*' }] }
    const agent = await cast.agent('worker', ada, may)
    await cast.resource(api, ['repo:read'])
    const url = `${acme.issuer}/token`
    const form = { grant_type: 'client_credentials', resource: api }
    const asked = await cast.ask(agent, form)
    expect(asked.body.error_code).toBe('nonce_required')
    const nonce = asked.headers.get('dpop-nonce') ?? ''
    const proof = await createDpopProof(agent.key, { method: 'POST', url, now: seconds(), nonce })
    await authority.restart()
    expect((await cast.ask(agent, form, { proof })).status).toBe(200)
    await authority.restart()
    expect((await cast.ask(agent, form, { proof })).body.error_code).toBe('proof_replayed')

    // The limit on guessing is capacity's, not a secret's: it begins anew, and a wrong secret is as wrong.
    const guess = () => call('credence_adm_wrong', 'get', `${acme.issuer}/v1/agents`)
    for (let n = 0; n < 6; n++) await guess()
    expect((await guess()).status).toBe(429)
    await authority.restart()
    expect((await guess()).body.code).toBe('unauthorized')
  } finally {
    await authority.stop()
  }
})
