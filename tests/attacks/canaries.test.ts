// No secret is anywhere but where it belongs: every kind of secret, used rightly and put in every wrong place, is looked for in all that
// the authority ever put out, in any form (A118, A119).

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { newWrappingKey } from '@credence/authority'
import { newId } from '@credence/protocol'
import { describe, expect, test } from 'vitest'
import { createSealer, parseWrappingKeys } from '../../packages/authority/src/tokens/sealing.ts'
import { run } from '../../packages/cli/src/run.ts'
import { call, type TestOrganization } from '../authority.ts'
import { postgresMissing, startPostgres } from '../postgres.ts'
import { live, misplace } from './canaries_life.ts'
import { Corpus, formsOf, type Secret, secretOf } from './canaries_search.ts'
import { addDump, addFiles, startCollector, WatchedAuthority, watchFetch } from './canaries_world.ts'

const isLong = process.env.CREDENCE_LONG === '1'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What the command line says to an administrator who does everything, rightly and wrongly. */
async function runCommands(acme: TestOrganization, corpus: Corpus, misplaced: readonly string[]): Promise<void> {
  const terminal = (env: NodeJS.ProcessEnv) => ({
    env,
    write: (text: string) => corpus.add('what the command line prints', text),
    note: (text: string) => corpus.add('what the command line prints', text),
    colour: false,
    columns: 120,
    untilStopped: () => Promise.resolve(),
    readStandardInput: async () => misplaced[0] ?? '',
  })
  const env = {
    CREDENCE_CLI_ISSUER: acme.issuer,
    CREDENCE_CLI_SECRET: acme.administratorSecret,
    CREDENCE_CLI_DEBUG: '1',
  }
  for (const words of [
    'agents list',
    'agents show worker',
    'agents credentials list worker',
    'people list',
    'resources list',
    'administrators list',
    'delegations list',
    'signing-keys list',
    'audit list',
    'audit verify',
    'agents show nobody',
  ]) {
    await run(words.split(' '), terminal(env))
    await run([...words.split(' '), '--json'], terminal(env))
  }
  for (const secret of [
    ...misplaced,
    `${acme.administratorSecret}\n${acme.administratorSecret}`,
    `${acme.administratorSecret}\u0000`,
  ]) {
    for (const words of ['agents list', 'organizations list']) {
      await run(words.split(' '), terminal({ ...env, CREDENCE_CLI_SECRET: secret }))
    }
  }
  await run(['agents', 'list'], terminal({ ...env, CREDENCE_CLI_ISSUER: 'http://localhost:1' }))
  await run(['agents', 'list'], terminal({ ...env, CREDENCE_CLI_ISSUER: 'ftp://elsewhere.example' }))
}

/** What is sealed in the store, opened as only the authority can. */
async function sealedIn(rows: Array<Record<string, unknown>>, wrappingKeys: string): Promise<Secret[]> {
  const sealer = await createSealer(parseWrappingKeys(wrappingKeys))
  const found: Secret[] = []
  for (const { organization, id, alg, sealed } of rows) {
    const context = { organization: `${organization}`, kid: `${id}`, alg: `${alg}`, purpose: 'signing_key' }
    const { d } = JSON.parse(new TextDecoder().decode(await sealer.open(`${sealed}`, context))) as { d: string }
    found.push({ name: 'private signing key', core: d })
  }
  return found
}

describe.each(['sqlite', 'postgres'] as const)('on %s', (store) => {
  test('no secret is found in anything that the authority, its store or the command line ever put out', async (context) => {
    const missing = store === 'postgres' && postgresMissing()
    if (missing) context.skip(missing)
    const corpus = new Corpus()
    const secrets = new Map<string, Secret>()
    const directory = mkdtempSync(join(tmpdir(), 'credence-canaries-'))
    const collector = await startCollector(corpus)
    const server = store === 'postgres' ? await startPostgres() : undefined
    const password = newId('tok').repeat(2)
    const url = server?.url.replace('postgres@', `postgres:${password}@`)
    const wrappingKey = newWrappingKey()
    const port = await freePort()
    const authority = new WatchedAuthority(
      {
        CREDENCE_ORIGIN: `http://localhost:${port}`,
        CREDENCE_PORT: `${port}`,
        CREDENCE_DOMAIN: 'credence.example',
        CREDENCE_STORE: url ?? `sqlite:${join(directory, 'credence.db')}`,
        CREDENCE_WRAPPING_KEYS: wrappingKey,
        CREDENCE_DIRECTORY: directory,
        CREDENCE_LOG_LEVEL: 'debug',
        CREDENCE_FAILURES_PER_MINUTE: '0',
        CREDENCE_OTLP_ENDPOINT: collector.url,
      },
      corpus,
    )
    let unwatch = () => {}
    try {
      await authority.start()
      const installation = readFileSync(join(directory, 'installation-administrator'), 'utf8').trim()
      secrets.set(installation, secretOf('secret of the installation', installation))
      secrets.set(wrappingKey, { name: 'wrapping key', core: wrappingKey.split(':').at(-1) as string })
      if (server) secrets.set(password, { name: 'password of the database', core: password })
      unwatch = watchFetch(corpus, secrets)

      const origin = `http://localhost:${port}`
      const made = await call(installation, 'post', `${origin}/v1/organizations`, { handle: 'acme' })
      const { id, issuer, trust_domain: trustDomain, administrator } = made.body
      const acme: TestOrganization = {
        id,
        issuer,
        trustDomain,
        administratorSecret: administrator.secret,
        api: (method, path, body) => call(administrator.secret, method, `${issuer}${path}`, body),
      }
      await live(acme)
      // One of each kind, put wherever it does not belong.
      const kinds = Map.groupBy(secrets, ([, { name }]) => name.replace(/ at .*/, ''))
      const each = [...kinds.values()].map(([first]) => first?.[0] ?? '')
      const some = [
        each.find((text) => text.startsWith('credence_cs_')),
        each.findLast((text) => text.startsWith('eyJ')),
      ]
      const misplaced = isLong ? each : some.slice(store === 'postgres' ? 1 : 0).filter((text) => text !== undefined)
      await misplace(acme, port, misplaced)
      await runCommands(acme, corpus, misplaced)
      // All that was measured goes out at the end.
      await authority.stop()
      await authority.start()

      // Ends that are none: a fault that nobody catches, a database that goes away, a kill, each with requests under way.
      const busy = () =>
        Promise.allSettled(Array.from({ length: 20 }, () => acme.api('post', '/v1/people', { name: 'Busy' })))
      if (server) {
        const asking = busy()
        await server.crash()
        await asking
      }
      const [asking] = [busy(), await authority.fault()]
      await asking
      await authority.start()
      const [again] = [busy(), await authority.kill()]
      await again
      unwatch()

      let sealed: Array<Record<string, unknown>> = []
      if (server && url) {
        await addDump(corpus, url)
        addFiles(corpus, new URL(url).searchParams.get('host') as string, [])
      } else {
        const database = new DatabaseSync(join(directory, 'credence.db'), { readOnly: true })
        sealed = database.prepare('select organization, id, alg, sealed from signing_keys').all() as typeof sealed
        database.close()
        for (const secret of await sealedIn(sealed, wrappingKey)) secrets.set(secret.core, secret)
      }
      // The secret of the installation lies where its owner was told to look for it, and nowhere else.
      addFiles(corpus, directory, ['installation-administrator'])

      const names = [...new Set([...secrets.values()].map(({ name }) => name))]
      for (const kind of [
        'secret of the installation',
        'wrapping key',
        'administrator secret of an organization',
        'administrator secret at',
        'client secret or API key',
        'access token',
        'proof at',
        'assertion at',
      ]) {
        expect([kind, names.some((name) => name.startsWith(kind))]).toEqual([kind, true])
      }
      for (const place of [
        'standard error',
        'standard output',
        'answers',
        'refusals',
        'traces',
        'metrics',
        'what the command line prints',
        server ? 'the dump' : 'file credence.db',
      ]) {
        expect([place, corpus.sizeOf(place) > 0]).toEqual([place, true])
      }
      expect(corpus.find([...secrets.values()])).toEqual([])
    } finally {
      unwatch()
      await authority.kill()
      await collector.stop()
      await server?.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  }, 300_000)
})

describe('the search itself', () => {
  const text = `credence_adm_${'A'.repeat(21)}Q_Wp3kX0bq7RzT9vLm2NcY5dHf8JgKsQeUiOaPlMnBvCx1234`
  const secret = secretOf('a secret', text)

  test.each(Object.entries(formsOf(secret.core)))('finds one %s', (_form, written) => {
    const corpus = new Corpus()
    corpus.add('a log', `{"level":"info","msg":"it was <${written}>"}`)
    corpus.add('another', 'nothing')
    expect(corpus.find([secret, secretOf('another', newId('tok').repeat(2))])).toHaveLength(1)
  })

  test.each(isLong ? ['plain', 'hex', 'base64', 'base64url'] : ['base64'])(
    'finds what an authority leaks, %s',
    async (form) => {
      const corpus = new Corpus()
      const directory = mkdtempSync(join(tmpdir(), 'credence-canaries-'))
      const port = await freePort()
      const authority = new WatchedAuthority(
        {
          CREDENCE_ORIGIN: `http://localhost:${port}`,
          CREDENCE_PORT: `${port}`,
          CREDENCE_DOMAIN: 'credence.example',
          CREDENCE_STORE: `sqlite:${join(directory, 'credence.db')}`,
          CREDENCE_WRAPPING_KEYS: newWrappingKey(),
          CREDENCE_DIRECTORY: directory,
          CANARY_LEAK: form,
        },
        corpus,
      )
      try {
        await authority.start()
        await call(text, 'get', `http://localhost:${port}/v1/organizations`)
        await expect.poll(() => corpus.find([secret])).toEqual([expect.stringContaining('in standard error')])
      } finally {
        await authority.kill()
        rmSync(directory, { recursive: true, force: true })
      }
    },
  )
})
