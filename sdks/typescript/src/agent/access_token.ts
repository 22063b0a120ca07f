import { printAsText } from '../printed.ts'

/** A token in an agent's hands. It shows what it is for, never itself: only `value` gives the text. */
export class AccessToken {
  readonly resource: string
  readonly scope: string
  /** `DPoP`: each use needs a proof, made by `agent.fetch`. */
  readonly type: 'DPoP' | 'Bearer'
  /** Unix milliseconds by this machine's clock. */
  readonly expiresAtMs: number
  readonly #value: string

  static {
    printAsText(AccessToken.prototype)
  }

  constructor(made: { value: string; resource: string; scope: string; type: 'DPoP' | 'Bearer'; expiresAtMs: number }) {
    this.#value = made.value
    this.resource = made.resource
    this.scope = made.scope
    this.type = made.type
    this.expiresAtMs = made.expiresAtMs
  }

  /** The token itself. On the prototype, so that nothing that walks properties finds it. */
  get value(): string {
    return this.#value
  }

  toString(): string {
    return `AccessToken(${this.type} for ${this.resource})`
  }
}
