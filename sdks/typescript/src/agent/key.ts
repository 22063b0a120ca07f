import {
  type Algorithm,
  generateSigningKey,
  importSigningKey,
  type JsonObject,
  type SigningKey,
} from '@credence/protocol'
import { printAsText } from '../printed.ts'

let revealed: (key: AgentKey) => JsonObject | undefined

/**
 * A signing key of an agent or a person. The private half stays inside: it is in no property, and what prints, serialises or
 * clones the key shows its id and algorithm only. Wherever an `AgentKey` is asked for, any `SigningKey` (a hardware key, a
 * key service) does as well.
 */
export class AgentKey implements SigningKey {
  readonly kid: string
  readonly alg: Algorithm
  /** The public half, as it is registered with the authority. */
  readonly publicJwk: JsonObject
  readonly #sign: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>
  readonly #privateJwk: JsonObject | undefined

  static {
    revealed = (key) => key.#privateJwk
    printAsText(AgentKey.prototype)
  }

  private constructor(key: SigningKey, privateJwk: JsonObject | undefined) {
    this.kid = key.kid
    this.alg = key.alg
    this.publicJwk = key.publicJwk
    this.#sign = (bytes) => key.sign(bytes)
    this.#privateJwk = privateJwk
  }

  /**
   * Makes a key that can never leave this process. `savable` makes one that `saveKey` of `@credence/sdk/node` can write to a file.
   */
  static async generate(options: { algorithm?: Algorithm; savable?: boolean; kid?: string } = {}): Promise<AgentKey> {
    const { privateJwk, ...key } = await generateSigningKey(options.algorithm ?? 'ES256', {
      extractable: options.savable ?? false,
      ...(options.kid !== undefined && { kid: options.kid }),
    })
    return new AgentKey(key, privateJwk)
  }

  /**
   * Takes over a private JWK; from here on it cannot be got out again. Without `kid`, the one inside, else its RFC 7638 thumbprint.
   *
   * @throws Refusal `key_unusable`
   */
  static async fromJwk(privateJwk: JsonObject, kid?: string): Promise<AgentKey> {
    return new AgentKey(await importSigningKey(privateJwk, kid), undefined)
  }

  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return this.#sign(bytes)
  }

  toJSON(): { kid: string; alg: Algorithm } {
    return { kid: this.kid, alg: this.alg }
  }

  toString(): string {
    return `AgentKey(${this.alg} ${this.kid})`
  }
}

/** For `saveKey` alone; not exported by any entry point. Undefined for a key that was not made to be saved. */
export function privateJwkOf(key: AgentKey): JsonObject | undefined {
  return revealed(key)
}
