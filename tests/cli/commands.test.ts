import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPlace, type Place, startDev } from './cli.ts'

const api = 'https://api.example'
let place: Place
let bob: string

/** A key pair in two files, `<name>.key` and `<name>.pub`. */
async function newKey(name: string, ...more: string[]): Promise<void> {
  const { code, out } = await place.run(['keys', 'generate', `${name}.key`, ...more])
  expect(code).toBe(0)
  writeFileSync(join(place.directory, `${name}.pub`), out)
}

beforeAll(async () => {
  place = newPlace()
  await startDev(place)
  await newKey('bob')
  bob = (await place.json('people', 'register', 'Bob', '--may', `${api}=repo:read pr:write:*`)).id
  await place.json('people', 'enroll', bob, 'bob.pub')
  for (const handle of ['reviewer', 'helper', 'gate']) {
    await newKey(handle, '--algorithm', 'EdDSA')
    const words = ['agents', 'register', handle, '--owner', bob, '--purpose', 'Reviews.', '--can', 'pr:write:*']
    await place.json(...words, '--may', `${api}=pr:write:comment`)
    await place.json('agents', 'credentials', 'add', handle, '--key', `${handle}.pub`)
  }
  await place.json('resources', 'register', api, '--scope', 'repo:read', '--scope', 'pr:write:*', '--operator', 'gate')
}, 180_000)

afterAll(() => place.remove())

test('a key file is its owner’s alone, is never overwritten, and its private half is not printed', async () => {
  const secret = JSON.parse(place.read('bob.key')).d
  expect(secret).toBeTruthy()
  expect(statSync(join(place.directory, 'bob.key')).mode & 0o777).toBe(0o600)
  expect(place.read('bob.pub')).not.toContain(secret)
  const again = await place.run(['keys', 'generate', 'bob.key'])
  expect(again.code).toBe(1)
  expect(again.err).toContain('bob.key')
  expect(again.err).toContain('never overwritten')
})

test('people and agents are listed and shown', async () => {
  expect((await place.json('people', 'list')).items.map((each: { name: string }) => each.name)).toContain('Bob')
  expect((await place.json('people', 'show', bob)).keys).toHaveLength(1)
  expect((await place.json('agents', 'list', '--owner', bob)).items).toHaveLength(3)
  expect(await place.json('agents', 'show', 'reviewer')).toMatchObject({ owner: bob, status: 'active', version: '1' })
  expect((await place.json('agents', 'credentials', 'list', 'reviewer')).items).toHaveLength(1)
  const { out } = await place.run(['agents', 'list'])
  expect(out).toMatch(/^handle +status +version/)
}, 60_000)

test('what is given is changed, the rest stays', async () => {
  const person = (await place.json('people', 'register', 'Eve', '--may', `${api}=repo:read`)).id
  expect(await place.json('people', 'change', person, '--name', 'Eva')).toMatchObject({
    name: 'Eva',
    permissions: [{ resource: api, scope: 'repo:read' }],
  })
  expect(await place.json('agents', 'change', 'gate', '--version', '1.1')).toMatchObject({
    version: '1.1',
    capabilities: ['pr:write:*'],
  })
}, 60_000)

test('a second administrator has a secret of their own, until it ends', async () => {
  const grace = await place.json('administrators', 'add', 'Grace', '--out', 'grace.secret')
  const asGrace = ['administrators', 'list', '--secret-file', 'grace.secret']
  expect((await place.json(...asGrace)).items).toHaveLength(2)
  // A file that is there stops the command before anything is made.
  expect((await place.run(['administrators', 'add', 'Heidi', '--out', 'grace.secret'])).err).toContain('file_exists')
  expect((await place.json(...asGrace)).items).toHaveLength(2)
  await place.json('administrators', 'end', grace.id)
  expect((await place.run(asGrace)).err).toContain('unauthorized')
}, 60_000)

test('signing keys are rotated and listed', async () => {
  const next = await place.json('signing-keys', 'rotate')
  const { items } = await place.json('signing-keys', 'list')
  expect(items.map((each: { id: string }) => each.id)).toContain(next.id)
  expect(items.filter((each: { state: string }) => each.state === 'active')).toHaveLength(1)
}, 60_000)

test('resources are listed, shown by audience, and changed', async () => {
  expect((await place.json('resources', 'list')).items).toHaveLength(1)
  const changed = await place.json('resources', 'change', api, '--staleness', '2s')
  expect(changed).toMatchObject({ audience: api, max_staleness_ms: 2_000, accepts_attested: true })
  expect((await place.json('resources', 'show', changed.id)).max_staleness_ms).toBe(2_000)
}, 60_000)

test('an instance has its own key, and a secret is shown once or goes into a file', async () => {
  await newKey('copy')
  const instance = await place.json('agents', 'instances', 'start', 'helper', 'copy.pub', '--lifetime', '1h')
  expect(instance.spiffe_id).toContain('/agent/helper/ins_')
  expect((await place.json('agents', 'instances', 'list', 'helper')).items).toHaveLength(1)

  await place.json(
    'agents',
    'register',
    'legacy',
    '--owner',
    bob,
    '--purpose',
    'Old.',
    '--may',
    `${api}=repo:read`,
    '--allow',
    'client_secret',
  )
  const kept = await place.json(
    'agents',
    'credentials',
    'add',
    'legacy',
    '--kind',
    'client_secret',
    '--out',
    'legacy.secret',
  )
  expect(kept).toMatchObject({ kind: 'client_secret', secret_file: 'legacy.secret' })
  expect(kept.secret).toBeUndefined()
  expect(statSync(join(place.directory, 'legacy.secret')).mode & 0o777).toBe(0o600)
  const token = await place.json('tokens', 'get', '--as', 'legacy', '--secret', 'legacy.secret', '--resource', api)
  expect(token).toMatchObject({ scope: 'repo:read', type: 'DPoP' })
  const end = ['agents', 'credentials', 'end', 'legacy', kept.id, '--cause', 'leaked', '--wait', '50ms']
  const said = await place.run(end)
  expect(said.out).toMatch(/^crd_\S+ has ended, .*\nacknowledged .*\nleases over .*\ntokens expired +15 min after/)
  const after = await place.run(['tokens', 'get', '--as', 'legacy', '--secret', 'legacy.secret', '--resource', api])
  expect(after.code).toBe(1)

  const script = 'agents register script --purpose Cron --allow api_key'.split(' ')
  await place.json(...script, '--owner', bob, '--may', `${api}=repo:read`)
  const key = 'agents credentials add script --kind api_key --scope repo:read --out script.secret'.split(' ')
  expect(await place.json(...key)).toMatchObject({ kind: 'api_key', secret_file: 'script.secret' })
  const got = await place.json('tokens', 'get', '--as', 'script', '--secret', 'script.secret', '--resource', api)
  expect(got).toMatchObject({ scope: 'repo:read', type: 'DPoP' })
}, 60_000)

test('a delegation is signed offline, handed on, exchanged, verified, drawn as a tree, revoked', async () => {
  // A SPIFFE ID and an issuer are all it takes: nobody is asked.
  const offline = await place.run([
    'delegations',
    'sign',
    '--issuer',
    'https://nowhere.example',
    '--as',
    bob,
    '--key',
    'bob.key',
    '--to',
    'spiffe://dev.credence.localhost/agent/reviewer',
    '--resource',
    api,
    '--scope',
    'repo:read',
  ])
  expect(offline.code).toBe(0)
  expect(offline.out.trim().split('.')).toHaveLength(3)

  const sign = ['delegations', 'sign', '--resource', api, '--scope']
  await place.json(
    ...sign,
    'repo:read pr:write:*',
    '--as',
    bob,
    '--key',
    'bob.key',
    '--to',
    'reviewer',
    '--constraint',
    'lines<=200',
    '--depth',
    '1',
    '--out',
    'bob.chain',
  )
  const wider = await place.run([
    ...sign,
    'pr:write:draft',
    '--as',
    'reviewer',
    '--key',
    'reviewer.key',
    '--parent',
    'bob.chain',
    '--to',
    'helper',
    '--constraint',
    'lines<=2000',
  ])
  expect(wider).toMatchObject({ code: 1, out: '' })
  expect(wider.err).toContain('not_narrower')
  await place.json(
    ...sign,
    'pr:write:draft',
    '--as',
    'reviewer',
    '--key',
    'reviewer.key',
    '--parent',
    'bob.chain',
    '--to',
    'helper',
    '--constraint',
    'lines<=20',
    '--out',
    'helper.chain',
  )
  const known = await place.json('delegations', 'register', 'bob.chain')
  expect(known.principal).toBe(bob)

  const exchange = ['tokens', 'exchange', 'helper.chain', '--as', 'helper', '--key', 'helper.key', '--resource', api]
  expect(await place.json(...exchange, '--out', 'helper.token')).toMatchObject({
    scope: 'pr:write:draft',
    token_file: 'helper.token',
  })
  expect(await place.json('verify', 'helper.token', '--resource', api)).toMatchObject({ good: 'yes', verified: true })
  const shown = await place.run(['tokens', 'show', '-'], { input: place.read('helper.token') })
  expect(shown.out).toMatch(/^good now\n/)
  expect(shown.out).toContain('lines ≤ 20')
  expect(shown.out).toMatch(/└─ spiffe:\/\/\S+\/reviewer .*\n {3}└─ spiffe:\/\/\S+\/helper /)
  expect(await place.json('tokens', 'introspect', 'helper.token', '--as', 'gate', '--key', 'gate.key')).toMatchObject({
    active: true,
    sub: bob,
  })

  const tree = await place.run(['delegations', 'show', known.id])
  expect(tree.out).toMatch(/└─ reviewer .*\n {3}└─ helper {2}pr:write:draft, lines ≤ 20/)
  expect((await place.json('delegations', 'list', '--to', 'helper')).items).toHaveLength(1)

  const revoked = await place.json(
    'revoke',
    known.id,
    '--cause',
    'withdrawn',
    '--note',
    'Changed my mind.',
    '--wait',
    '100ms',
  )
  expect(revoked).toMatchObject({ id: known.id, cause: 'withdrawn', already_ended: false })
  const told = await place.run(['revoke', known.id])
  expect(told.out).toMatch(/has ended already: withdrawn\.\nacknowledged .+\nleases over .+\ntokens expired .+\n$/)
  const dead = await place.run(['verify', 'helper.token', '--resource', api, '--json'])
  expect(dead.code).toBe(1)
  expect(JSON.parse(dead.out)).toMatchObject({
    good: 'no',
    code: 'revoked',
    ended: { id: known.id, cause: 'withdrawn' },
  })
  expect(JSON.parse(dead.err).error).toMatchObject({ code: 'revoked' })
  const refused = await place.run(['tokens', 'show', 'helper.token'])
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('(revoked)') })
  expect(refused.out).toMatch(/^refused {2}revoked/)
  expect((await place.run(exchange)).err).toContain('revoked')
}, 180_000)

test('a token is refused for what it is: another audience, a changed text, no text at all', async () => {
  await place.json('tokens', 'get', '--as', 'gate', '--key', 'gate.key', '--resource', api, '--out', 'gate.token')
  const elsewhere = await place.run(['verify', 'gate.token', '--resource', 'https://other.example'])
  expect(elsewhere).toMatchObject({ code: 1 })
  expect(elsewhere.out).toMatch(/^refused {2}audience_mismatch/)
  const [header, payload, signature = ''] = place.read('gate.token').trim().split('.')
  const first = signature.startsWith('A') ? 'B' : 'A'
  const changed = await place.run(['verify', '-', '--resource', api], {
    input: `${header}.${payload}.${first}${signature.slice(1)}`,
  })
  expect(changed.out).toMatch(/^refused {2}signature_invalid/)
  expect(changed.out).toContain('nobody vouches for it')
  const nothing = await place.run(['tokens', 'show', '-'], { input: 'hello' })
  expect(nothing).toMatchObject({ code: 1, out: '' })
  // Without a secret nobody can be asked about revocations, and not knowing is not good.
  const { issuer } = JSON.parse(place.read('.credence/cli.json'))
  writeFileSync(join(place.directory, 'bare.json'), JSON.stringify({ issuer }))
  const unknown = await place.run(['verify', 'gate.token', '--resource', api, '--profile', 'bare.json'])
  expect(unknown).toMatchObject({ code: 1 })
  expect(unknown.err).toContain('status_unknown')
}, 60_000)

test('an attested delegation names the administrator', async () => {
  const words = [
    'delegations',
    'attest',
    '--delegator',
    bob,
    '--to',
    'helper',
    '--resource',
    api,
    '--scope',
    'pr:write:draft',
  ]
  const made = await place.json(...words, '--out', 'attested.chain')
  const shown = await place.json('delegations', 'show', made.id)
  expect(shown.evidence).toMatchObject({ kind: 'attested', how: 'administrator' })
  expect(shown.evidence.by).toMatch(/^adm_/)
  const exchange = ['tokens', 'exchange', 'attested.chain', '--as', 'helper', '--key', 'helper.key', '--resource', api]
  expect((await place.json(...exchange)).scope).toBe('pr:write:draft')
  const given = await place.json('delegations', 'list', '--attested-by', shown.evidence.by)
  expect(given.items.map(({ id }: { id: string }) => id)).toContain(made.id)
}, 60_000)

test('an administrator is ended with all that was stated on their word', async () => {
  const { id } = await place.json('administrators', 'add', 'Mallory')
  const alone = await place.json('administrators', 'end', id)
  expect(alone).toMatchObject({ id, cause: 'ended', acknowledged: { all: true } })
  const ended = await place.json('administrators', 'end', id, '--attestations', '--cause', 'compromised')
  expect(ended).toMatchObject({ id, cause: 'compromised', already_ended: false })
}, 60_000)

test('agents are suspended, resumed, given away, restored, retired', async () => {
  await place.json('agents', 'register', 'temp', '--owner', bob, '--purpose', 'Temporary.')
  expect(await place.json('agents', 'suspend', 'temp', '--cause', 'odd', '--wait', '50ms')).toMatchObject({
    cause: 'odd',
  })
  expect(await place.json('agents', 'show', 'temp')).toMatchObject({ status: 'suspended' })
  expect(await place.json('agents', 'resume', 'temp')).toMatchObject({ status: 'active' })
  const carol = (await place.json('people', 'register', 'Carol')).id
  const moved = await place.json('agents', 'owner', 'temp', carol)
  expect(moved.owner).toBe(carol)
  await place.json('revoke', moved.id)
  expect(await place.json('restore', moved.id)).toMatchObject({ id: moved.id, restored: true })
  await place.json('agents', 'retire', 'temp')
  const back = await place.run(['restore', moved.id])
  expect(back.code).toBe(1)
}, 60_000)

test('a person’s key is ended with all it signed', async () => {
  await newKey('spare')
  const key = await place.json('people', 'enroll', bob, 'spare.pub')
  expect(await place.json('people', 'end-key', bob, key.id)).toMatchObject({ id: key.id, cause: 'ended' })
  const { keys } = await place.json('people', 'show', bob)
  expect(keys.find((each: { id: string }) => each.id === key.id).ended_at_ms).toBeGreaterThan(0)
}, 60_000)

test('the log is read, filtered, verified, proven, followed', async () => {
  const head = await place.json('audit', 'head')
  expect(head.size).toBeGreaterThan(5)
  const verified = await place.json('audit', 'verify')
  expect(verified).toMatchObject({ verified: true })
  const { items } = await place.json('audit', 'list', '--type', 'agent.registered', '--limit', '2')
  expect(items).toHaveLength(2)
  expect(await place.json('audit', 'prove', items[0].id)).toMatchObject({ verified: true, record: { id: items[0].id } })
  const tail = place.start(['audit', 'tail', '--last', '1'])
  await tail.printed('aud_')
  await place.json('people', 'register', 'Dora')
  await tail.printed('person.registered')
  tail.signal('SIGINT')
  expect(await tail.ended).toMatchObject({ code: 0, err: '' })
}, 60_000)

test('what goes wrong is one sentence with a code and a hint, never a stack', async () => {
  const cases: Array<[words: string[], code: string, exit: number]> = [
    [['agents', 'show', 'nobody'], 'not_found', 1],
    [['agents', 'register', 'reviewer', '--owner', bob, '--purpose', 'x'], 'handle_taken', 1],
    [['people', 'enroll', bob, 'nowhere.pub'], 'file_unreadable', 1],
    [['people', 'enroll', bob, 'bob.chain'], 'not_json', 1],
    [['people', 'enroll', bob, 'bob.key'], 'key_unusable', 1],
    [['tokens', 'get', '--as', 'gate', '--key', 'bob.key', '--resource', api], 'client_authentication_failed', 1],
    [['tokens', 'get', '--as', 'gate', '--key', 'bob.pub', '--resource', api], 'key_file_unsafe', 1],
    [
      ['agents', 'list', '--issuer', 'http://localhost:1', '--secret-file', '.credence/dev-administrator'],
      'unreachable',
      1,
    ],
    [['agents', 'list', '--issuer', 'https://localhost:1'], 'no_secret', 1],
    [['resources', 'show', 'https://unknown.example'], 'not_found', 1],
    [['agents', 'credentials', 'add', 'gate'], 'usage', 2],
    [['tokens', 'get', '--as', 'gate', '--resource', api], 'usage', 2],
  ]
  for (const [words, code, exit] of cases) {
    const ran = await place.run(words)
    expect(ran, words.join(' ')).toMatchObject({ code: exit, out: '' })
    expect(ran.err, words.join(' ')).toMatch(new RegExp(`^credence: .+ \\(${code}\\)\\n(?: {2}.+\\n)?$`))
  }
  const json = await place.run(['agents', 'show', 'nobody', '--json'])
  expect(JSON.parse(json.err).error).toMatchObject({ code: 'not_found' })
}, 180_000)

test('a wrong secret is refused, and not repeated', async () => {
  const { code, err } = await place.run(['agents', 'list'], { env: { CREDENCE_CLI_SECRET: 'credence_adm_hush' } })
  expect(code).toBe(1)
  expect(err).toContain('unauthorized')
  expect(err).not.toContain('hush')
})
