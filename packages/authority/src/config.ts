import {
  type Algorithm,
  algorithms,
  defaultDelegationSeconds,
  isHandle,
  longestDelegationSeconds,
} from '@credence/protocol'
import { z } from 'zod'

export type Mode = 'dev' | 'production'

/** Everything that can be set. The table below declares each once: its variable, flag, form, default and sentence. */
export type Settings = {
  /** Not set but commanded: `credence dev` or `credence start`. */
  mode: Mode

  host: string
  /** 0: any free one. */
  port: number
  /** Empty: localhost and the port it listens on. */
  origin: string
  domain: string
  /** Empty: SQLite in `directory`. */
  store: string
  /** `name:base64url`, comma separated; empty: dev mode makes one. */
  wrappingKeys: string
  directory: string
  devOrganization: string
  signingAlgorithm: Algorithm
  signingKeyLifetimeSeconds: number
  signingKeyLeadSeconds: number
  accessTokenLifetimeSeconds: number
  delegationLifetimeSeconds: number
  delegationMaxLifetimeSeconds: number
  delegationMaxDepth: number
  clockToleranceSeconds: number
  dpopNonce: 'off' | 'required'
  heartbeatMs: number
  maxStalenessMs: number
  bodyBytes: number
  headerBytes: number
  connections: number
  concurrentRequests: number
  requestSeconds: number
  failuresPerMinute: number
  streamsPerOrganization: number
  pointsPerResource: number
  forwardedHops: number
  stopSeconds: number
  otlpEndpoint: string | undefined
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug'
}

/** What the authority may know of its settings once it is built: none that is a secret. */
export type Config = Omit<Settings, 'store' | 'wrappingKeys'>

export type Setting<T> = {
  variable: `CREDENCE_${string}`
  /** Absent for a secret that must not stand in a process list. */
  flag?: `--${string}`
  /** Reads the text that the variable or flag has. */
  type: z.ZodType<T>
  /** The text taken when nothing is given; absent: the setting is required, or, when `optional`, stays undefined. */
  byDefault?: string | { dev?: string; production?: string }
  optional?: true
  /** Never shown; may also be given as a file, `<variable>_FILE`. */
  secret?: true
  /** What it is, and its unit. */
  sentence: string
}

const day = 86_400
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.number().int().min(least).max(most))
const wrappingKeysForm = /^$|^[A-Za-z0-9][\w-]{0,63}:[\w-]{43}(?:,[A-Za-z0-9][\w-]{0,63}:[\w-]{43})*$/
const isOrigin = (text: string) => text === '' || (URL.canParse(text) && new URL(text).origin === text)

/** Every setting of the authority, declared once: flags, variables, the reference and the schema derive from it. */
export const settings: { [Name in Exclude<keyof Settings, 'mode'>]: Setting<Settings[Name]> } = {
  host: {
    variable: 'CREDENCE_HOST',
    flag: '--host',
    type: z.string().min(1).max(255),
    byDefault: '127.0.0.1',
    sentence: 'The address to listen on.',
  },
  port: {
    variable: 'CREDENCE_PORT',
    flag: '--port',
    type: whole(0, 65_535),
    byDefault: '4600',
    sentence: 'The TCP port to listen on; 0 takes a free one.',
  },
  origin: {
    variable: 'CREDENCE_ORIGIN',
    flag: '--origin',
    type: z.string().refine(isOrigin),
    byDefault: { dev: '' },
    sentence:
      'The public origin, such as https://id.example.com: scheme, host and port, nothing after. Issuers begin with it. Dev mode: localhost and the port.',
  },
  domain: {
    variable: 'CREDENCE_DOMAIN',
    flag: '--domain',
    type: z.string().regex(/^(?=.{1,180}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/),
    byDefault: { dev: 'credence.localhost' },
    sentence:
      'The domain of all trust domains, `<organization>.<domain>`, in lower case. It is part of every identity for ever.',
  },
  store: {
    variable: 'CREDENCE_STORE',
    flag: '--store',
    type: z.string().regex(/^$|^sqlite:.+|^postgres(?:ql)?:\/\/.+/),
    byDefault: { dev: '' },
    secret: true,
    sentence:
      'Where everything is kept: `sqlite:<path>` or `postgres://<user>:<password>@<host>/<database>`. Dev mode: SQLite in its directory.',
  },
  wrappingKeys: {
    variable: 'CREDENCE_WRAPPING_KEYS',
    type: z.string().regex(wrappingKeysForm),
    byDefault: { dev: '' },
    secret: true,
    sentence:
      'The keys that encrypt signing keys at rest: `<name>:<32 bytes in base64url>`, comma separated. The first encrypts, all decrypt. Dev mode makes one.',
  },
  directory: {
    variable: 'CREDENCE_DIRECTORY',
    flag: '--directory',
    type: z.string().min(1),
    byDefault: './.credence',
    sentence:
      'The directory for files that the authority writes beside its store, such as the first administrator secret.',
  },
  devOrganization: {
    variable: 'CREDENCE_DEV_ORGANIZATION',
    flag: '--dev-organization',
    type: z.string().refine(isHandle),
    byDefault: 'dev',
    sentence: 'The handle of the organization that dev mode makes, whose issuer is the origin itself.',
  },
  signingAlgorithm: {
    variable: 'CREDENCE_SIGNING_ALGORITHM',
    flag: '--signing-algorithm',
    type: z.enum(algorithms),
    byDefault: 'ES256',
    sentence: 'The algorithm of new organizations: ES256, EdDSA or RS256.',
  },
  signingKeyLifetimeSeconds: {
    variable: 'CREDENCE_SIGNING_KEY_LIFETIME',
    flag: '--signing-key-lifetime',
    type: whole(3_600, 400 * day),
    byDefault: `${30 * day}`,
    sentence: 'Seconds for which a signing key signs before the next takes over.',
  },
  signingKeyLeadSeconds: {
    variable: 'CREDENCE_SIGNING_KEY_LEAD',
    flag: '--signing-key-lead',
    type: whole(0, 7 * day),
    byDefault: '900',
    sentence:
      'Seconds for which a new signing key is published before it signs, so that every cached key set knows it.',
  },
  accessTokenLifetimeSeconds: {
    variable: 'CREDENCE_ACCESS_TOKEN_LIFETIME',
    flag: '--access-token-lifetime',
    type: whole(10, 900),
    byDefault: '300',
    sentence: 'Seconds an access token lives; one that is bound to no key lives at most 300.',
  },
  delegationLifetimeSeconds: {
    variable: 'CREDENCE_DELEGATION_LIFETIME',
    flag: '--delegation-lifetime',
    type: whole(60, longestDelegationSeconds),
    byDefault: `${defaultDelegationSeconds}`,
    sentence: 'Seconds a delegation lives unless its maker says otherwise.',
  },
  delegationMaxLifetimeSeconds: {
    variable: 'CREDENCE_DELEGATION_MAX_LIFETIME',
    flag: '--delegation-max-lifetime',
    type: whole(60, longestDelegationSeconds),
    byDefault: `${longestDelegationSeconds}`,
    sentence: 'Seconds a delegation lives at most.',
  },
  delegationMaxDepth: {
    variable: 'CREDENCE_DELEGATION_MAX_DEPTH',
    flag: '--delegation-max-depth',
    type: whole(1, 8),
    byDefault: '8',
    sentence: 'How many hops a delegation chain has at most.',
  },
  clockToleranceSeconds: {
    variable: 'CREDENCE_CLOCK_TOLERANCE',
    flag: '--clock-tolerance',
    type: whole(0, 60),
    byDefault: '5',
    sentence: 'Seconds by which the clocks of others may differ from ours.',
  },
  dpopNonce: {
    variable: 'CREDENCE_DPOP_NONCE',
    flag: '--dpop-nonce',
    type: z.enum(['off', 'required']),
    byDefault: 'off',
    sentence: '`required`: a DPoP proof must carry a nonce of ours (RFC 9449 §8); `off`: its time and id are enough.',
  },
  heartbeatMs: {
    variable: 'CREDENCE_HEARTBEAT',
    flag: '--heartbeat',
    type: whole(100, 10_000),
    byDefault: '1000',
    sentence: 'Milliseconds between two signed heartbeats on the revocation stream.',
  },
  maxStalenessMs: {
    variable: 'CREDENCE_MAX_STALENESS',
    flag: '--max-staleness',
    type: whole(1_000, 900_000),
    byDefault: '10000',
    sentence: 'Milliseconds of the lease that a resource gets unless its registration says otherwise.',
  },
  bodyBytes: {
    variable: 'CREDENCE_BODY_LIMIT',
    flag: '--body-limit',
    type: whole(1_024, 1_048_576),
    byDefault: '65536',
    sentence: 'Bytes a request body has at most.',
  },
  headerBytes: {
    variable: 'CREDENCE_HEADER_LIMIT',
    flag: '--header-limit',
    type: whole(4_096, 65_536),
    byDefault: '32768',
    sentence: 'Bytes the headers of a request have at most, all together.',
  },
  connections: {
    variable: 'CREDENCE_CONNECTIONS',
    flag: '--connections',
    type: whole(10, 1_000_000),
    byDefault: '20000',
    sentence: 'TCP connections open at once, the revocation streams included.',
  },
  concurrentRequests: {
    variable: 'CREDENCE_CONCURRENT_REQUESTS',
    flag: '--concurrent-requests',
    type: whole(1, 100_000),
    byDefault: '1024',
    sentence:
      'Requests in progress at once. What comes above is answered 503 with Retry-After; revocation and the feed have rooms of their own, and health needs none.',
  },
  requestSeconds: {
    variable: 'CREDENCE_REQUEST_TIMEOUT',
    flag: '--request-timeout',
    type: whole(1, 300),
    byDefault: '15',
    sentence: 'Seconds within which a request must have arrived whole.',
  },
  failuresPerMinute: {
    variable: 'CREDENCE_FAILURES_PER_MINUTE',
    flag: '--failures-per-minute',
    type: whole(0, 1_000_000),
    byDefault: '600',
    sentence:
      'Failed authentications per minute and address, above which those that fail are answered 429, and few at once; 0: no limit.',
  },
  streamsPerOrganization: {
    variable: 'CREDENCE_STREAMS_PER_ORGANIZATION',
    flag: '--streams-per-organization',
    type: whole(1, 1_000_000),
    byDefault: '6000',
    sentence: 'Revocation streams that one organization has open at once at one process, of 12,000 in all.',
  },
  pointsPerResource: {
    variable: 'CREDENCE_POINTS_PER_RESOURCE',
    flag: '--points-per-resource',
    type: whole(1, 100_000),
    byDefault: '1000',
    sentence: 'Enforcement points of one resource that hold a lease at once; a new one above is refused.',
  },
  forwardedHops: {
    variable: 'CREDENCE_FORWARDED_HOPS',
    flag: '--forwarded-hops',
    type: whole(0, 10),
    byDefault: '0',
    sentence: 'How many proxies of yours stand in front and append to X-Forwarded-For; 0: the header is not believed.',
  },
  stopSeconds: {
    variable: 'CREDENCE_STOP_TIMEOUT',
    flag: '--stop-timeout',
    type: whole(0, 60),
    byDefault: '5',
    sentence: 'Seconds that requests in progress have to finish when the authority stops.',
  },
  otlpEndpoint: {
    variable: 'CREDENCE_OTLP_ENDPOINT',
    flag: '--otlp-endpoint',
    type: z.url({ protocol: /^https?$/ }),
    optional: true,
    sentence:
      'Where traces and metrics are sent (OTLP over HTTP), such as http://localhost:4318; nothing is sent without it.',
  },
  logLevel: {
    variable: 'CREDENCE_LOG_LEVEL',
    flag: '--log-level',
    type: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
    byDefault: { dev: 'warn', production: 'info' },
    sentence: 'The least level that is logged: silent, error, warn, info or debug.',
  },
}
