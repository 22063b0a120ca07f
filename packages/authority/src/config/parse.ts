import { isAudience, refuse } from '@credence/protocol'
import { type Mode, type Setting, type Settings, settings } from '../config.ts'

export type ConfigSource = {
  /** The process environment. */
  environment: Record<string, string | undefined>
  /** `{ port: '4600' }` for `--port 4600`. */
  flags?: Record<string, string>
  mode: Mode
  readFile(path: string): string
}

/** Variables of the same beginning that are not the authority's: the command line's, and those of the tests. */
const notOurs = /^CREDENCE_(?:CLI_\w+|LONG|TEST_\w+)$/

/**
 * Reads every setting: flag before variable before default.
 * Refuses `config_unknown_key`, `config_missing`, `config_invalid` and `config_unsafe`, each with a sentence that says what to do
 * and never with the value.
 */
export function parseConfig(source: ConfigSource): Settings {
  refuseUnknown(source)
  if (source.mode === 'dev') refuseProductionIn(source.environment)
  const read: Record<string, unknown> = { mode: source.mode }
  for (const [name, setting] of Object.entries(settings)) read[name] = readSetting(setting, source)
  const config = read as Settings
  refuseUnsafe(config)
  return config
}

function refuseUnknown({ environment, flags = {} }: ConfigSource): void {
  const variables = new Set<string>()
  const known = new Set<string>()
  for (const { variable, flag, secret } of Object.values(settings)) {
    variables.add(variable)
    if (secret) variables.add(`${variable}_FILE`)
    if (flag) known.add(flag)
  }
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('CREDENCE_') || variables.has(name) || notOurs.test(name)) continue
    refuse('config_unknown_key', {
      detail: `There is no setting ${shown(name)}.${nearest(name, variables)} Correct it, or take it out of the environment.`,
    })
  }
  for (const name of Object.keys(flags)) {
    if (known.has(`--${name}`)) continue
    refuse('config_unknown_key', { detail: `There is no flag --${shown(name)}.${nearest(`--${name}`, known)}` })
  }
}

/** A shell that was set up for production: dev mode would write its organization, or its keys, into what is there. */
function refuseProductionIn(environment: ConfigSource['environment']): void {
  for (const name of ['store', 'origin', 'domain', 'wrappingKeys'] as const) {
    const { variable } = settings[name]
    const set = [variable, `${variable}_FILE`].find((each) => environment[each])
    if (set === undefined) continue
    unsafe(`${set} is set, and dev mode must not touch what it belongs to. Unset it, or use \`credence start\`.`)
  }
}

function readSetting(setting: Setting<unknown>, source: ConfigSource): unknown {
  const { variable, flag, type, byDefault, optional, sentence } = setting
  const name = flag ? `${variable} (or ${flag})` : variable
  const text = given(setting, source) ?? (typeof byDefault === 'object' ? byDefault[source.mode] : byDefault)
  if (text === undefined) {
    if (optional) return undefined
    refuse('config_missing', { detail: `${name} is not set. It is: ${sentence}` })
  }
  const parsed = type.safeParse(text)
  if (parsed.success) return parsed.data
  return refuse('config_invalid', { detail: `${name} cannot be read. It is: ${sentence}` })
}

function given(setting: Setting<unknown>, source: ConfigSource): string | undefined {
  const { variable, flag, secret } = setting
  const flagged = flag && source.flags?.[flag.slice(2)]
  if (flagged !== undefined) return flagged
  const direct = source.environment[variable]
  const file = secret ? source.environment[`${variable}_FILE`] : undefined
  if (direct !== undefined && file !== undefined) {
    refuse('config_invalid', { detail: `Both ${variable} and ${variable}_FILE are set. Keep one.` })
  }
  if (file === undefined) return direct
  try {
    return source.readFile(file).trim()
  } catch (cause) {
    return refuse('config_invalid', { detail: `The file that ${variable}_FILE names cannot be read.`, cause })
  }
}

/** What is well formed and still must not run. */
function refuseUnsafe(config: Settings): void {
  // Issuers begin with it, and statements and tokens name issuers by this grammar.
  if (config.origin !== '' && !isAudience(config.origin)) {
    unsafe('CREDENCE_ORIGIN is neither https nor http on localhost, 127.0.0.1 or [::1]. Use https, or a loopback host.')
  }
  if (config.delegationLifetimeSeconds > config.delegationMaxLifetimeSeconds) {
    unsafe('CREDENCE_DELEGATION_LIFETIME is above CREDENCE_DELEGATION_MAX_LIFETIME. Lower the first.')
  }
  if (config.heartbeatMs * 2 > config.maxStalenessMs) {
    unsafe(
      'CREDENCE_MAX_STALENESS is below two heartbeats, so every lease would lapse. Raise it, or lower CREDENCE_HEARTBEAT.',
    )
  }
  if (config.mode !== 'production') {
    if (isLoopback(config.host)) return
    unsafe('Dev mode listens on this machine only. Use `credence start`, or leave CREDENCE_HOST alone.')
  }
  for (const name of ['origin', 'store', 'wrappingKeys'] as const) {
    if (config[name] === '')
      refuse('config_missing', { detail: `${settings[name].variable} is empty. ${settings[name].sentence}` })
  }
  if (config.wrappingKeys.split(',').some((key) => key.startsWith('dev'))) {
    unsafe('CREDENCE_WRAPPING_KEYS holds a key made for dev mode. Make one with `credence init`.')
  }
}

/** Whether an address to listen on is this machine's own. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function unsafe(detail: string): never {
  return refuse('config_unsafe', { detail })
}

/** A name as it may be printed: what an environment holds is not ours to trust. */
function shown(name: string): string {
  return /^[A-Za-z0-9_-]{1,80}$/.test(name) ? name : '(with characters that no setting has)'
}

function nearest(name: string, known: ReadonlySet<string>): string {
  const close = [...known].map((other) => ({ other, far: distance(name, other) })).sort((a, b) => a.far - b.far)[0]
  return close && close.far <= 4 ? ` Did you mean ${close.other}?` : ''
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
