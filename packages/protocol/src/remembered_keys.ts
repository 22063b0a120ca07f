import type { JsonObject } from './json.ts'
import { importPublicKey, type PublicKey } from './keys.ts'
import { Recent } from './recent.ts'

/**
 * `importPublicKey` that remembers the `most` keys used last, and at most twice as many: importing one costs about as much as half a
 * signature check, and a caller signs every request with the same key.
 *
 * Pure memory of a pure function: the name is the whole of what was imported, so it can be wrong about nothing. Make one for each
 * source of keys, so that strangers cannot crowd out acquaintances.
 */
export function rememberedKeys(most: number): (jwk: JsonObject, kid?: string) => Promise<PublicKey> {
  const remembered = new Recent<Promise<PublicKey>>(most)
  return async (jwk, kid) => {
    const name = JSON.stringify([jwk, kid])
    let key = remembered.get(name)
    if (key === undefined) {
      key = importPublicKey(jwk, kid)
      remembered.set(name, key)
    }
    try {
      return await key
    } catch (error) {
      remembered.delete(name)
      throw error
    }
  }
}
