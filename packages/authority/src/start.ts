import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { refuse, signBatch } from '@credence/protocol'
import { ensureFirstAdministrator, keepWaiting, type SecretPlace } from './administrators/index.ts'
import { createApp } from './app.ts'
import { RefusalCounter } from './audit/index.ts'
import type { Config, Settings } from './config.ts'
import { type Listener, listen } from './http/listen.ts'
import { createOrganization, findOrganizationByHandle } from './organizations/index.ts'
import { operatorsOf } from './resources/index.ts'
import { FeedHub } from './revocation/index.ts'
import { makeDirectory, secretFile, wrappingKeyIn } from './secret_files.ts'
import type { Clock, Services } from './services.ts'
import { steadyClock } from './steady_clock.ts'
import type { Store } from './store/port.ts'
import { openSqlite } from './store/sqlite/index.ts'
import { startSweeping } from './sweeping/index.ts'
import { createLogger, type Logger, openTelemetry, silentTelemetry } from './telemetry/index.ts'
import { activeKey, checkSealed, createSealer, parseWrappingKeys } from './tokens/index.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** A running authority. */
export type Authority = {
  /** Where it is reached: the public origin. In dev mode also the issuer of its one organization. */
  url: string
  port: number
  /** Ends everything cleanly: streams first, then requests in progress, then what goes on by itself, then the store. May be called again. */
  stop(): Promise<void>
}

/** Secrets that a first start makes; each is valid for good and shown once. */
export type FirstSecret = 'installation-administrator' | 'dev-administrator'

export type StartOptions = {
  clock?: Clock
  log?: Logger
  /** Where a first secret goes. Default: a file of that name in the directory, for its owner only. */
  place?: (secret: FirstSecret) => SecretPlace
}

/** Builds the authority and listens. Refuses to start, with a sentence that says what to do, rather than run unsafely. */
export async function startAuthority(settings: Settings, options: StartOptions = {}): Promise<Authority> {
  const { store: storeUrl, wrappingKeys, ...rest } = settings
  const directory = resolve(settings.directory)
  makeDirectory(directory)
  const place = options.place ?? ((secret) => secretFile(join(directory, secret)))
  const log = options.log ?? createLogger(settings.logLevel)
  const closing: Array<() => Promise<void>> = []
  try {
    const store = await openStore(storeUrl, directory, log)
    closing.push(() => store.close())
    const listener = await listenOn(settings)
    closing.push(() => listener.stop(0))
    const origin = settings.origin || `http://${hostOf(settings.host)}:${listener.port}`
    const config: Config = { ...rest, origin, directory, port: listener.port }
    const clock = options.clock ?? systemClock
    const services = await build(config, { store, log, clock, wrappingKeys, directory })
    closing.push(() => services.telemetry.stop())
    await checkSealed(services)
    await ensureFirstAdministrator(services, place('installation-administrator'))
    if (config.mode === 'dev') await ensureDevOrganization(services, place('dev-administrator'))
    listener.answerWith(createApp(services, version))
    const sweeping = startSweeping(services)
    log.info({ origin, mode: config.mode, version }, 'the authority answers')
    return { url: origin, port: listener.port, stop: once(() => stop(services, listener, sweeping)) }
  } catch (error) {
    for (const close of closing.reverse()) await close().catch(() => {})
    throw error
  }
}

async function build(
  config: Config,
  parts: { store: Store; log: Logger; clock: Clock; wrappingKeys: string; directory: string },
): Promise<Services> {
  const { store, log, directory } = parts
  const clock = steadyClock(parts.clock)
  // Settings leave them out in dev mode only.
  const sealer = await createSealer(parseWrappingKeys(parts.wrappingKeys || wrappingKeyIn(directory)))
  const telemetry = config.otlpEndpoint
    ? await openTelemetry(config.otlpEndpoint, { 'service.version': version })
    : silentTelemetry
  const feed = new FeedHub({
    store,
    clock,
    log,
    settings: {
      heartbeatMs: config.heartbeatMs,
      maxPoints: config.pointsPerResource,
      maxOrganizationStreams: config.streamsPerOrganization,
    },
    sign: async (organization, batch) => signBatch(await activeKey(services, organization), batch),
    operators: async (organization, resources) => {
      const operators = await operatorsOf(services, organization, resources)
      return (resource, agent) => operators.get(resource) === agent
    },
  })
  const refusals = new RefusalCounter({ store, clock, log })
  const services: Services = { config, store, clock, log, telemetry, sealer, feed, refusals }
  return services
}

async function openStore(url: string, directory: string, log: Logger): Promise<Store> {
  if (url.startsWith('postgres')) {
    // Loaded by those who use it.
    const { openPostgres } = await import('./store/postgres/index.ts')
    return openPostgres({ url, log })
  }
  const file = url === '' ? join(directory, 'credence.db') : resolve(url.slice('sqlite:'.length))
  return openSqlite({ file, log })
}

async function listenOn(settings: Settings): Promise<Listener> {
  try {
    return await listen(settings)
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    const detail = taken
      ? `Port ${settings.port} is in use. Stop what uses it, or choose another with --port.`
      : `The address ${settings.host}, port ${settings.port}, cannot be listened on.`
    return refuse('config_invalid', { detail, cause })
  }
}

/** Dev mode has one organization, whose issuer is the origin. */
async function ensureDevOrganization(services: Services, place: SecretPlace): Promise<void> {
  const { origin, devOrganization: handle } = services.config
  const found = await findOrganizationByHandle(services, handle)
  if (!found) {
    await createOrganization(services, { handle, displayName: handle, issuer: origin, place })
  } else if (found.issuer !== origin) {
    const detail = `The data here belongs to ${found.issuer}, and the origin is ${origin}. Start with --origin ${found.issuer}, or with another --directory.`
    refuse('config_unsafe', { detail })
  } else {
    await keepWaiting(services, found.id, place)
  }
}

async function stop(services: Services, listener: Listener, sweeping: { stop(): Promise<void> }): Promise<void> {
  const { config, feed, store, telemetry, log } = services
  log.info({}, 'the authority stops')
  // Streams never end by themselves, so they must go before connections can.
  feed.end()
  await listener.stop(config.stopSeconds)
  // From here on nobody asks. Each writes what it still has to, after whatever could have given it more; the store is the last.
  await feed.close()
  await sweeping.stop()
  await telemetry.stop()
  await store.close()
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** As it stands in a URL; an address of this machine only is `localhost`. */
function hostOf(host: string): string {
  if (host === '127.0.0.1' || host === '::1') return 'localhost'
  return isIP(host) === 6 ? `[${host}]` : host
}

const systemClock: Clock = { nowMs: Date.now, monotonicMs: () => performance.now() }
