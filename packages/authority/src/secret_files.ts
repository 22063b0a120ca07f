import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refuse } from '@credence/protocol'
import type { SecretPlace } from './administrators/index.ts'
import { newWrappingKey } from './tokens/index.ts'

/** Files that hold secrets: readable by their owner only, written whole or not at all. */

/**
 * A file for a secret that is about to become valid. It lies beside its place until then, so that a crash in between neither
 * loses a valid secret nor leaves an invalid one where it would be believed. A secret that is there already is never replaced: it
 * may be the only one of another store.
 */
export function secretFile(path: string): SecretPlace {
  const waiting = `${path}.new`
  return {
    prepare(secret) {
      if (holdsSecret(path)) {
        refuse('config_unsafe', {
          detail: `${path} already holds a first secret, of another store. Move it away, or choose another --directory.`,
        })
      }
      rmSync(waiting, { force: true })
      writeFileSync(waiting, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true })
    },
    keep() {
      if (!holdsSecret(path)) rmSync(path, { force: true })
      linkSync(waiting, path)
      rmSync(waiting)
    },
    discard() {
      rmSync(waiting, { force: true })
    },
  }
}

function holdsSecret(path: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8').trim() !== ''
}

/** Dev mode's own wrapping key, made at first start. Production has no such thing: there the key comes from outside. */
export function wrappingKeyIn(directory: string): string {
  const path = join(directory, 'wrapping-key')
  try {
    writeFileSync(path, `${newWrappingKey('dev')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFileSync(path, 'utf8').trim()
}
