import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '@credence/protocol'
import { type Agent, AgentKey, createAgent } from '@credence/sdk'
import { loadKey, saveKey } from '@credence/sdk/node'
import type { Connection } from '../connection.ts'
import { Failure } from '../failure.ts'
import { listAll } from '../listing.ts'
import type { Permission } from '../words.ts'
import { listeningFetch, type Refusing } from './refusing.ts'

/** Somebody in the life: who they are for the authority, and the key that only they hold. `again`: known from an earlier start. */
export type Player = { id: string; name: string; key: AgentKey; again: boolean }
export type AgentPlayer = Player & {
  spiffeId: string
  agent: Agent
  /** The last answer that refused this agent something, as it came over the wire. */
  refusedWith(): Refusing | undefined
}

type Person = { id: string; name: string; permissions: Permission[] }
type Registered = { id: string; handle: string; client_id: string; status: string }
type Resource = { audience: string; created_at_ms: number }

/**
 * Everybody who takes part, each made once and found again at later starts. Keys are files beside the store (mode 0600): the
 * authority only ever sees their public halves.
 */
export class Cast {
  readonly #api: Connection
  readonly #directory: string

  constructor(api: Connection, directory: string) {
    this.#api = api
    this.#directory = join(directory, 'keys')
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
  }

  async person(name: string, permissions: readonly Permission[]): Promise<Player> {
    const { items } = await listAll<Person>(this.#api, '/v1/people')
    const known = items.find(
      (each) => each.name === name && JSON.stringify(each.permissions) === JSON.stringify(permissions),
    )
    const person = known ?? (await this.#api.send<Person>('POST', '/v1/people', { name, permissions }))
    const { key, again } = await this.#key(name.toLowerCase(), person.id)
    if (!again) await this.#api.send('POST', `/v1/people/${person.id}/keys`, { jwk: key.publicJwk })
    return { id: person.id, name, key, again: known !== undefined && again }
  }

  async agent(handle: string, owner: Player, about: JsonObject): Promise<AgentPlayer> {
    const { items } = await listAll<Registered>(this.#api, '/v1/agents')
    const known = items.find((each) => each.handle === handle)
    const made =
      known ?? (await this.#api.send<Registered>('POST', '/v1/agents', { handle, owner: owner.id, ...about }))
    if (made.status === 'retired') {
      throw new Failure(
        'life_broken',
        `${handle} has been retired, and a handle is never given again.`,
        'Begin anew in another --directory, or leave the life out with --no-life.',
      )
    }
    // Somebody tried the kill switch; the life needs everybody.
    if (made.status === 'suspended') {
      await this.#api.send('POST', `/v1/agents/${made.id}/resume`)
      // Statements count whole seconds: one made in the second of the return passes for one from before it.
      await sleep(1000)
    }
    const { key, again } = await this.#key(handle, made.id)
    if (!again) {
      await this.#api.send('POST', `/v1/agents/${made.id}/credentials`, { kind: 'public_key', jwk: key.publicJwk })
    }
    const { fetch, refusedWith } = listeningFetch()
    const agent = createAgent({ issuer: this.#api.issuer, clientId: made.client_id, key, fetch })
    return {
      id: made.id,
      name: handle,
      key,
      spiffeId: made.client_id,
      agent,
      refusedWith,
      again: known !== undefined && again,
    }
  }

  /** The audience of the resource that this agent runs, if it ran one before. */
  async audienceOf(operator: AgentPlayer): Promise<string | undefined> {
    const { items } = await listAll<Resource>(this.#api, '/v1/resources', { operator: operator.id })
    return items.sort((a, b) => a.created_at_ms - b.created_at_ms)[0]?.audience
  }

  async resource(audience: string, about: JsonObject): Promise<void> {
    const { items } = await listAll<Resource>(this.#api, '/v1/resources')
    if (items.some((each) => each.audience === audience)) return
    await this.#api.send('POST', '/v1/resources', { audience, ...about })
  }

  /** The id is in the name, so that a key whose authority was thrown away is never taken for one of the new authority. */
  async #key(name: string, id: string): Promise<{ key: AgentKey; again: boolean }> {
    const file = join(this.#directory, `${name}.${id}.json`)
    if (existsSync(file)) return { key: await loadKey(file), again: true }
    const key = await AgentKey.generate({ savable: true })
    await saveKey(key, file)
    return { key, again: false }
  }
}
