import { isJsonArray, isJsonObject, type JsonValue, refuseAtUse as refuse } from '@credence/protocol'
import { readObject, readText } from '../network.ts'
import { type Clock, linkedFor } from '../runtime.ts'
import type { Tools } from './expected.ts'
import { callAuthority, type Operator } from './own_api.ts'

export type ProofMode = 'required' | 'optional'

/** What a service says itself. Beside what is on record at the authority it only ever counts where it is stricter. */
export type OwnRules = { proof?: ProofMode | undefined; tools?: Readonly<Record<string, string>> | undefined }

const maxBytes = 512 * 1024
const patienceMs = 5_000

/** How calls of a resource are judged. */
export type Rules = { proof: ProofMode; tools: Tools }

/** As long as nothing is known. */
const strictest: Rules = { proof: 'required', tools: new Map() }

/** What one authority has on record of a resource: its administrators say there how its calls are judged. */
export class Registration {
  rules: Rules = strictest
  readonly #operator: Operator
  readonly #resource: string
  readonly #own: OwnRules
  readonly #clock: Clock

  constructor(operator: Operator, resource: string, own: OwnRules, clock: Clock) {
    this.#operator = operator
    this.#resource = resource
    this.#own = own
    this.#clock = clock
  }

  get isKnown(): boolean {
    return this.rules !== strictest
  }

  /** Waits until it is known. After that it is read anew meanwhile, and what was known holds until it can be. */
  async refresh(stop: AbortSignal): Promise<void> {
    const read = this.#read(stop)
    if (!this.isKnown) await read
    else read.catch(() => {})
  }

  async #read(stop: AbortSignal): Promise<void> {
    const patience = linkedFor(this.#clock, patienceMs, stop)
    try {
      const query = new URLSearchParams({ audience: this.#resource })
      const response = await callAuthority(this.#operator, `/v1/resources?${query}`, { signal: patience.signal })
      const { items } = readObject(await readText(response, maxBytes), maxBytes)
      const [found] = isJsonArray(items) ? items : []
      this.rules = rulesIn(found, this.#resource, this.#own)
    } finally {
      patience.release()
    }
  }
}

function rulesIn(item: JsonValue | undefined, resource: string, own: OwnRules): Rules {
  const { audience, proof_mode: proof, tools } = isJsonObject(item) ? item : {}
  if (audience !== resource)
    refuse('authority_answer_invalid', { detail: 'It has no such resource for this operator.' })
  if ((proof !== 'required' && proof !== 'optional') || !isJsonArray(tools)) refuse('authority_answer_invalid')
  return { proof: own.proof === 'required' ? own.proof : proof, tools: stricter(tools, own.tools) }
}

/** Each tool with the scopes it needs: that on record, and the service's own. One that either does not name is none. */
function stricter(registered: readonly JsonValue[], own: OwnRules['tools']): Tools {
  const tools = new Map<string, readonly string[]>()
  for (const tool of registered) {
    const { name, scope } = isJsonObject(tool) ? tool : {}
    if (typeof name !== 'string' || typeof scope !== 'string') return refuse('authority_answer_invalid')
    if (own === undefined) tools.set(name, [scope])
    else if (Object.hasOwn(own, name)) tools.set(name, [scope, own[name] as string])
  }
  return tools
}
