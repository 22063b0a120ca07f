import type { JsonObject } from './json.ts'

type PrivateKey = { readonly type: 'private' }

type NodeCrypto = {
  hash?: {
    (algorithm: 'sha256', data: Uint8Array | string, encoding: 'buffer'): Uint8Array<ArrayBuffer>
    (algorithm: 'sha256', data: Uint8Array | string, encoding: 'base64url'): string
  }
  createPrivateKey?(key: { key: JsonObject; format: 'jwk' }): PrivateKey
  sign?(digest: 'sha256' | null, data: Uint8Array, key: { key: PrivateKey; dsaEncoding: 'ieee-p1363' }): Uint8Array
}

/**
 * Node's own crypto, as much of it as the runtime has (Node and what is compatible with it); no import, so that bundles for elsewhere
 * hold nothing of it. It answers on the spot: `crypto.subtle` sends even a few bytes to another thread and back, which costs more
 * than hashing or signing them does.
 */
export const nodeCrypto: NodeCrypto | undefined = (
  globalThis as { process?: { getBuiltinModule?(id: 'crypto'): NodeCrypto | undefined } }
).process?.getBuiltinModule?.('crypto')
