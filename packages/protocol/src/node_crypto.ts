type SignInput = { key: unknown; dsaEncoding: 'ieee-p1363' }

type NodeCrypto = {
  hash?(algorithm: 'sha256', data: Uint8Array | string, encoding: 'buffer'): Uint8Array<ArrayBuffer>
  sign(algorithm: 'sha256' | null, data: Uint8Array, key: SignInput): Uint8Array
  KeyObject: { from(key: CryptoKey): unknown }
}

/**
 * Node's own crypto, where the runtime has it (Node and what is compatible with it); no import, so that bundles for elsewhere
 * hold nothing of it. It answers on the spot: `crypto.subtle` sends even a few bytes to another thread and back, which costs more
 * than hashing or signing them does.
 */
export const nodeCrypto = (
  globalThis as { process?: { getBuiltinModule?(id: 'crypto'): NodeCrypto | undefined } }
).process?.getBuiltinModule?.('crypto')
