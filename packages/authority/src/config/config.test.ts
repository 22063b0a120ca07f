import { isRefusal } from '@credence/protocol'
import { expect, test } from 'vitest'
import { settings } from '../config.ts'
import { newWrappingKey } from '../tokens/index.ts'
import { type ConfigSource, parseConfig } from './parse.ts'
import { configurationSchema, renderReference } from './reference.ts'

const production = {
  CREDENCE_ORIGIN: 'https://id.example',
  CREDENCE_DOMAIN: 'agents.example',
  CREDENCE_STORE: 'sqlite:/var/lib/credence.db',
  CREDENCE_WRAPPING_KEYS: newWrappingKey(),
}

function parse(environment: Record<string, string>, more: Partial<ConfigSource> = {}) {
  return parseConfig({ mode: 'production', environment, readFile: () => '', ...more })
}

function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isRefusal(error)) return `${error.code}: ${error.detail}`
    throw error
  }
  return 'nothing was refused'
}

test('dev mode needs nothing', () => {
  expect(parse({ PATH: '/bin' }, { mode: 'dev' })).toMatchObject({
    mode: 'dev',
    host: '127.0.0.1',
    port: 4600,
    origin: '',
  })
})

test('dev mode takes nothing of production from the environment, and takes flags', () => {
  for (const [name, value] of Object.entries(production)) {
    expect(refusalOf(() => parse({ [name]: value }, { mode: 'dev' }))).toMatch(
      new RegExp(`^config_unsafe: ${name} is set, .* Unset it, or use \`credence start\`.$`),
    )
  }
  expect(refusalOf(() => parse({ CREDENCE_STORE_FILE: '/run/store' }, { mode: 'dev' }))).toMatch(/^config_unsafe/)
  const flags = { store: 'sqlite:/tmp/a.db', origin: 'http://localhost:4600', domain: 'a.example' }
  expect(parse({ CREDENCE_STORE: '' }, { mode: 'dev', flags })).toMatchObject(flags)
})

test('production needs what has no safe default, and says what it is', () => {
  for (const name of Object.keys(production)) {
    const { [name as keyof typeof production]: _, ...rest } = production
    expect(refusalOf(() => parse(rest))).toMatch(new RegExp(`^config_missing: ${name} .*is not set. It is: `))
    expect(refusalOf(() => parse({ ...rest, [name]: '' }))).toMatch(/^config_(missing|invalid): /)
  }
  expect(parse(production)).toMatchObject({ origin: 'https://id.example', accessTokenLifetimeSeconds: 300 })
})

test('a flag goes before its variable, a variable before the default', () => {
  const environment = { ...production, CREDENCE_PORT: '5000' }
  expect(parse(production).port).toBe(4600)
  expect(parse(environment).port).toBe(5000)
  expect(parse(environment, { flags: { port: '6000' } }).port).toBe(6000)
})

test('an unknown variable or flag stops the start and names what was meant', () => {
  expect(refusalOf(() => parse({ ...production, CREDENCE_PROT: '1' }))).toBe(
    'config_unknown_key: There is no setting CREDENCE_PROT. Did you mean CREDENCE_PORT? Correct it, or take it out of the environment.',
  )
  expect(refusalOf(() => parse(production, { flags: { prot: '1' } }))).toContain('Did you mean --port?')
  expect(refusalOf(() => parse({ ...production, 'CREDENCE_\u001b[31m': '1' }))).not.toContain('\u001b')
  expect(refusalOf(() => parse(production, { flags: { 'wrapping-keys': 'x' } }))).toMatch(/^config_unknown_key/)
  expect(refusalOf(() => parse({ ...production, CREDENCE_ISSUER: 'https://id.example' }))).toMatch(
    /^config_unknown_key/,
  )
  // What the command line and the tests read from the same environment is not the authority's to judge.
  expect(parse({ ...production, CREDENCE_CLI_ISSUER: 'x', CREDENCE_CLI_SECRET: 'x', CREDENCE_LONG: '1' }).port).toBe(
    4600,
  )
})

test('a value that cannot be read is not repeated', () => {
  for (const [name, value] of [
    ['CREDENCE_PORT', '70000'],
    ['CREDENCE_PORT', '0x1F'],
    ['CREDENCE_PORT', ''],
    ['CREDENCE_ORIGIN', 'https://id.example/'],
    ['CREDENCE_ORIGIN', 'https://u:canary@id.example'],
    ['CREDENCE_DOMAIN', 'Agents.example'],
    ['CREDENCE_STORE', 'mysql://canary'],
    ['CREDENCE_WRAPPING_KEYS', 'canary'],
    ['CREDENCE_ACCESS_TOKEN_LIFETIME', '901'],
  ] as const) {
    const refused = refusalOf(() => parse({ ...production, [name]: value }))
    expect(refused).toMatch(new RegExp(`^config_invalid: ${name} `))
    expect(refused).not.toContain('canary')
  }
})

test('what is not safe stops the start', () => {
  const unsafe = (more: Record<string, string>, options: Partial<ConfigSource> = {}) =>
    refusalOf(() => parse({ ...production, ...more }, options))
  for (const origin of ['http://id.example', 'http://127.0.0.2:4600']) {
    expect(unsafe({ CREDENCE_ORIGIN: origin })).toMatch(/^config_unsafe: CREDENCE_ORIGIN is neither/)
  }
  expect(unsafe({ CREDENCE_ORIGIN: 'http://127.0.0.1:4600' })).toBe('nothing was refused')
  expect(unsafe({ CREDENCE_WRAPPING_KEYS: newWrappingKey('dev') })).toMatch(/^config_unsafe: CREDENCE_WRAPPING_KEYS/)
  expect(unsafe({ CREDENCE_DELEGATION_MAX_LIFETIME: '60' })).toMatch(/^config_unsafe: CREDENCE_DELEGATION_LIFETIME/)
  expect(unsafe({ CREDENCE_MAX_STALENESS: '1500' })).toMatch(/^config_unsafe: CREDENCE_MAX_STALENESS/)
  expect(refusalOf(() => parse({ CREDENCE_HOST: '0.0.0.0' }, { mode: 'dev' }))).toMatch(
    /^config_unsafe: Dev mode listens/,
  )
})

test('a secret may come from a file, but not from two places', () => {
  const { CREDENCE_WRAPPING_KEYS: key, ...rest } = production
  const environment = { ...rest, CREDENCE_WRAPPING_KEYS_FILE: '/run/key' }
  expect(parse(environment, { readFile: (path) => (path === '/run/key' ? `${key}\n` : '') }).wrappingKeys).toBe(key)
  expect(refusalOf(() => parse({ ...environment, CREDENCE_WRAPPING_KEYS: key }))).toContain('Keep one.')
  const missing = () => {
    throw new Error('ENOENT')
  }
  expect(refusalOf(() => parse(environment, { readFile: missing }))).toMatch(/^config_invalid: The file that/)
  expect(refusalOf(() => parse({ ...production, CREDENCE_PORT_FILE: '/x' }))).toMatch(/^config_unknown_key/)
})

test('no two settings share a variable or a flag, and every sentence is one', () => {
  const all = Object.values(settings)
  expect(new Set(all.map(({ variable }) => variable)).size).toBe(all.length)
  const flags = all.flatMap(({ flag }) => flag ?? [])
  expect(new Set(flags).size).toBe(flags.length)
  for (const { sentence } of all) expect(sentence).toMatch(/^\S.*\.$/)
})

// Written anew by `vitest --update`.
test('the reference page is what the table says', async () => {
  await expect(renderReference()).toMatchFileSnapshot('../../../../docs/reference/configuration.md')
})

test('the schema knows every variable and what production requires', () => {
  const schema = configurationSchema() as { properties: Record<string, object>; allOf: object[] }
  for (const { variable } of Object.values(settings)) expect(schema.properties[variable]).toBeDefined()
  expect(schema.properties.CREDENCE_PORT).toMatchObject({ type: 'string' })
  expect(schema.allOf).toHaveLength(Object.keys(production).length)
})
