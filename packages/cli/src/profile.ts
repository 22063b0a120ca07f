import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from './failure.ts'

/**
 * Which authority the commands talk to, and the administrator secret they use. Lives in a file only its owner can read.
 * Found at `CREDENCE_CLI_PROFILE`, else `./.credence/cli.json` (written by `credence dev`), else
 * `~/.config/credence/cli.json`.
 */
export type Profile = { issuer: string; administrator_secret?: string; installation_secret?: string }

export function profilePath(env: NodeJS.ProcessEnv, named?: string): string {
  if (named !== undefined) return named
  if (env.CREDENCE_CLI_PROFILE) return env.CREDENCE_CLI_PROFILE
  const here = join('.credence', 'cli.json')
  return existsSync(here) ? here : join(homedir(), '.config', 'credence', 'cli.json')
}

export function readProfile(path: string): Profile | undefined {
  if (!existsSync(path)) return undefined
  try {
    const profile: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (isProfile(profile)) return profile
  } catch (cause) {
    throw new Failure('profile_unreadable', `The profile ${path} cannot be read.`, 'Repair it or remove it.', { cause })
  }
  throw new Failure('profile_unreadable', `The profile ${path} is not one.`, 'It is a JSON object that has `issuer`.')
}

function isProfile(value: unknown): value is Profile {
  if (typeof value !== 'object' || value === null) return false
  const { issuer, administrator_secret: one = '', installation_secret: other = '' } = value as Record<string, unknown>
  return typeof issuer === 'string' && typeof one === 'string' && typeof other === 'string'
}

/** Replaces the profile whole: a reader sees the old or the new, never half of one. */
export function writeProfile(path: string, profile: Profile): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 })
  // The mode above counts only for a new file.
  chmodSync(aside, 0o600)
  renameSync(aside, path)
}
