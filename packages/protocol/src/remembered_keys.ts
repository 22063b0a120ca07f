import type { JsonObject } from './json.ts'
import { importPublicKey, type PublicKey } from './keys.ts'

/**
 * `importPublicKey` that remembers up to `most` keys: importing one costs about as much as half a signature check, and a caller
 * signs every request with the same key.
 *
 * Pure memory of a pure function: the name is the whole of what was imported, so it can be wrong about nothing. It is bounded,
 * and what was used longest ago goes first. Make one for each source of keys, so that strangers cannot crowd out acquaintances.
 */
export function rememberedKeys(most: number): (jwk: JsonObject, kid?: string) => Promise<PublicKey> {
  const remembered = new Map<string, Promise<PublicKey>>()
  return async (jwk, kid) => {
    const name = JSON.stringify([jwk, kid])
    const key = remembered.get(name) ?? importPublicKey(jwk, kid)
    remembered.delete(name)
    remembered.set(name, key)
    if (remembered.size > most) remembered.delete(remembered.keys().next().value ?? name)
    try {
      return await key
    } catch (error) {
      remembered.delete(name)
      throw error
    }
  }
}
