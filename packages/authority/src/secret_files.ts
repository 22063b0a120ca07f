import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isRefusal, refuse } from '@credence/protocol'
import type { SecretPlace } from './administrators/index.ts'
import { newWrappingKey } from './tokens/index.ts'

/** Files that hold secrets: readable by their owner only, written whole or not at all. */

/** Makes the directory they lie in, for its owner only. Refuses `file_unusable`. */
export function makeDirectory(path: string): void {
  using(path, () => {
    const made = mkdirSync(path, { recursive: true, mode: 0o700 })
    if (made !== undefined) syncDirectory(dirname(made))
  })
}

/**
 * A file for a secret that is about to become valid. It lies beside its place until then, so that a crash in between neither
 * loses a valid secret nor leaves an invalid one where it would be believed: the next start finds it waiting. A secret that is
 * there already is never replaced: it may be the only one of another store.
 *
 * Each step refuses `file_unusable` when it fails.
 */
export function secretFile(path: string): SecretPlace {
  const waiting = `${path}.new`
  return {
    prepare(secret) {
      using(path, () => {
        if (secretIn(path) !== undefined) {
          refuse('config_unsafe', {
            detail: `${path} already holds a first secret, of another store. Move it away, or choose another --directory.`,
          })
        }
        rmSync(waiting, { force: true })
        writeFileSync(waiting, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true })
        syncDirectory(dirname(path))
      })
    },
    waiting: () => using(path, () => secretIn(waiting)),
    keep(secret) {
      using(path, () => {
        const there = secretIn(path)
        if (there === undefined) rmSync(path, { force: true })
        if (there !== secret) linkSync(waiting, path)
        rmSync(waiting)
        syncDirectory(dirname(path))
      })
    },
    discard() {
      using(path, () => rmSync(waiting, { force: true }))
    },
  }
}

function secretIn(path: string): string | undefined {
  return (existsSync(path) && readFileSync(path, 'utf8').trim()) || undefined
}

/** Dev mode's own wrapping key, made at first start. Production has no such thing: there the key comes from outside. */
export function wrappingKeyIn(directory: string): string {
  const path = join(directory, 'wrapping-key')
  return using(path, () => {
    if (!existsSync(path)) {
      const waiting = `${path}.new`
      rmSync(waiting, { force: true })
      writeFileSync(waiting, `${newWrappingKey('dev')}\n`, { mode: 0o600, flag: 'wx', flush: true })
      linkSync(waiting, path)
      rmSync(waiting)
      syncDirectory(directory)
    }
    return readFileSync(path, 'utf8').trim()
  })
}

/** A file that was flushed is found again after a loss of power once its name is on the disk too. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Whoever starts the authority is told which file, and what the system says of it. */
function using<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (isRefusal(cause)) throw cause
    const why = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : ''
    return refuse('file_unusable', { detail: `${path} cannot be read or written${why}.`, cause })
  }
}
