import { isSafeUrl } from '@credence/protocol'
import { Failure } from './failure.ts'
import { profilePath, readProfile } from './profile.ts'

export type ConnectionOptions = { issuer?: string; secretFile?: string; profile?: string }

/** The authority's HTTP API, as one administrator of one organization (or of the installation). */
export type Connection = {
  issuer: string
  /** `path` is below the issuer, and has everything in it escaped. */
  get<T>(path: string): Promise<T>
  /** The body as it came, for what is not JSON. */
  getText(path: string): Promise<string>
  send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>
}

/** Which issuer the words, the environment and the profile name, in this order. */
export function issuerOf(options: ConnectionOptions, env: NodeJS.ProcessEnv): string {
  const issuer = options.issuer ?? env.CREDENCE_CLI_ISSUER ?? readProfile(profilePath(env, options.profile))?.issuer
  if (issuer !== undefined) return issuer.replace(/\/$/, '')
  throw new Failure(
    'not_connected',
    'No authority is named.',
    'Start one with `credence dev`, or name one with --issuer or CREDENCE_CLI_ISSUER.',
  )
}

export function connect(
  options: ConnectionOptions,
  env: NodeJS.ProcessEnv,
  readFile: (path: string) => string,
  as: 'administrator' | 'installation' = 'administrator',
): Connection {
  const issuer = issuerOf(options, env)
  const profile = readProfile(profilePath(env, options.profile))
  // A secret in the profile belongs to the profile's issuer and is never sent to another.
  const fromProfile = profile?.issuer === issuer ? profile : undefined
  const file = options.secretFile ?? env.CREDENCE_CLI_SECRET_FILE
  const secret =
    (file === undefined ? undefined : readFile(file).trim()) ??
    env.CREDENCE_CLI_SECRET ??
    (as === 'installation' ? fromProfile?.installation_secret : fromProfile?.administrator_secret)
  // The installation is at the origin, above every organization.
  const base = as === 'installation' ? new URL(issuer).origin : issuer
  if (secret !== undefined && secret !== '') return connection(base, secret)
  throw new Failure(
    'no_secret',
    `There is no ${as === 'installation' ? 'installation ' : ''}administrator secret for ${issuer}.`,
    'Give it with --secret-file or CREDENCE_CLI_SECRET; never on the command line, where others could read it.',
  )
}

/** @param secret undefined: as nobody, for what is public */
export function connection(issuer: string, secret?: string): Connection {
  const request = async (method: string, path: string, body?: unknown): Promise<string> => {
    const response = await ask(`${issuer}${path}`, {
      method,
      headers: {
        ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw refusalOf(response.status, text)
    return text
  }
  return {
    issuer,
    get: async (path) => parsed(await request('GET', path)),
    getText: (path) => request('GET', path),
    send: async (method, path, body) => parsed(await request(method, path, body)),
  }
}

/** `fetch` that follows no redirect (a secret must not travel to where an answer points) and fails in a sentence. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  if (!isSafeUrl(url)) {
    throw new Failure(
      'url_refused',
      `${url} is not an https URL.`,
      'Plain http is accepted on this machine only, because whoever is in between would read the secret.',
    )
  }
  try {
    return await fetch(url, { ...init, redirect: 'error' })
  } catch (cause) {
    throw new Failure(
      'unreachable',
      `The authority at ${new URL(url).origin} does not answer.`,
      'Check that it runs (`credence dev` or `credence start`) and that --issuer names it.',
      { cause },
    )
  }
}

function parsed<T>(text: string): T {
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new Failure('answer_unreadable', 'The authority answered in a form this command does not know.', undefined, {
      cause,
    })
  }
}

/** RFC 9457 problem, an OAuth error, or whatever else a proxy in between may have answered. */
export function refusalOf(status: number, text: string): Failure {
  try {
    const problem = JSON.parse(text) as Record<string, unknown>
    const word = (name: string): string | undefined => {
      const value = problem[name]
      return typeof value === 'string' ? value : undefined
    }
    const says = [word('title') ?? word('error_description'), word('detail')].filter(Boolean).join(' ')
    const code = word('code') ?? word('error_code') ?? word('error')
    if (code !== undefined)
      return new Failure(code, says === '' ? `The authority answered ${status}.` : says, word('hint'))
  } catch {
    // Not ours.
  }
  return new Failure(
    `http_${status}`,
    `The authority answered ${status}, and not in a form this command knows.`,
    'Check that --issuer names the authority itself, path included (…/o/<organization>).',
  )
}
