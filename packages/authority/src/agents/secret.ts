import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { base64url } from '@credence/protocol'

export type SecretKind = 'client_secret' | 'api_key' | 'administrator'

const forms = { client_secret: ['cs', 'crd'], api_key: ['ak', 'crd'], administrator: ['adm', 'adm'] } as const
// 22 and 43 characters of base64url: 128 bits that say which, 256 that prove it. Fixed widths, because `_` is in the alphabet.
const written = /^credence_(cs|ak|adm)_([A-Za-z0-9_-]{22})_[A-Za-z0-9_-]{43}$/

/** A new secret for the thing with this id: shown once as `text`, kept as `hash`. */
export function newSecret(kind: SecretKind, id: string): { text: string; hash: string } {
  const [mark, prefix] = forms[kind]
  const text = `credence_${mark}_${id.slice(prefix.length + 1)}_${base64url.encode(randomBytes(32))}`
  return { text, hash: hashOf(text) }
}

/** What a secret says about itself, before it is compared; undefined when it has none of our forms. */
export function readSecret(text: string): { kind: SecretKind; id: string; hash: string } | undefined {
  const [, mark, tail] = written.exec(text) ?? []
  for (const kind of ['client_secret', 'api_key', 'administrator'] as const) {
    const [itsMark, prefix] = forms[kind]
    if (mark === itsMark) return { kind, id: `${prefix}_${tail}`, hash: hashOf(text) }
  }
  return undefined
}

/** In constant time, also when there is nothing to compare with. */
export function sameHash(kept: string, shown: string): boolean {
  const expected = Buffer.from(shown.length === kept.length ? kept : '\0'.repeat(shown.length))
  return timingSafeEqual(expected, Buffer.from(shown))
}

// The secrets are 256 random bits, so a plain hash is as good as a slow one.
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
