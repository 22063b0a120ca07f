// An organization with one of everything, and the look at what an attack must not change.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { generateSigningKey, newId, readStatement } from '@credence/protocol'
import type { Answer, TestAuthority, TestOrganization } from '../authority.ts'
import { type Agent, type Cast, castOf, type Person, seconds } from '../cast.ts'
import type { Row } from './fitting.ts'

type Thing = 'agt' | 'psn' | 'ins' | 'crd' | 'rsc' | 'dlg' | 'tok' | 'sgk' | 'adm' | 'aud'

/** One organization with one of everything. */
export type World = {
  organization: TestOrganization
  cast: Cast
  /** The audience of a resource that takes tokens without a proof. */
  docs: string
  ada: Person
  /** Runs `docs`, and may ask for every scope of the authority's own API. */
  operator: Agent
  /** Runs `mail`. */
  other: Agent
  /** What is ended, changed and looked for: nobody who calls rests on it. */
  things: Record<Thing, string>
  /** A key of the person among the things. */
  key: string
  /** Of the statement of the delegation among the things. */
  hash: string
  /** An agent that may come back. */
  stopped: string
}

/** What an agent here may be, at this resource. */
export const able = (resource: string) => ({
  capabilities: ['docs:*'],
  permissions: [{ resource, scope: 'docs:*' }],
  credential_policy: { kinds: ['public_key', 'client_secret', 'api_key'] },
})

export async function worldOf(organization: TestOrganization): Promise<World> {
  const cast = castOf(organization)
  const ask = async (method: string, path: string, body?: object): Promise<Answer['body']> => {
    const answer = await organization.api(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const docs = `https://docs.${organization.trustDomain}/`
  const may = able(docs)
  const ada = await cast.person('Ada', may.permissions)
  const [operator, other] = [await cast.agent('operator', ada, may), await cast.agent('other', ada, may)]
  const { id: rsc } = await cast.resource(docs, ['docs:read', 'docs:write'], {
    operator: operator.id,
    proof_mode: 'optional',
  })
  await cast.resource(`${docs}mail`, ['mail:send'], { operator: other.id })

  const victim = await cast.agent('victim', ada, may)
  const { id: psn } = await cast.person('Bob')
  const stopped = await cast.agent('stopped', ada)
  await ask('post', `/v1/agents/${stopped.id}/suspend`, {})
  // By the operator, who can take it back itself.
  const [statement = ''] = await cast.delegate(
    { iss: operator.clientId, key: operator.key },
    { delegate: victim.clientId, aud: [docs], scope: 'docs:read', exp: seconds() + 600, max_depth: 1 },
  )
  const { id: dlg } = await ask('post', '/v1/delegations', { statements: [statement] })
  const { publicJwk: jwk } = await generateSigningKey('ES256')
  return {
    organization,
    cast,
    docs,
    ada,
    operator,
    other,
    things: {
      agt: victim.id,
      psn,
      ins: (await ask('post', `/v1/agents/${victim.id}/instances`, { jwk })).id,
      crd: victim.credential,
      rsc,
      dlg,
      tok: newId('tok'),
      sgk: (await ask('get', '/v1/signing-keys')).items[0].id,
      adm: (await ask('post', '/v1/administrators', { name: 'Eve' })).id,
      aud: (await ask('get', '/v1/audit/records?limit=1')).records[0].id,
    },
    key: (await ask('get', `/v1/people/${psn}`)).keys[0].id,
    hash: (await readStatement(statement)).hash,
    stopped: stopped.id,
  }
}

/** What may stand in the path of a row. */
export function thingsIn(row: Row, { things, key, hash, organization }: World, org = organization.id): string[] {
  const { agt, ...others } = things
  const handle = organization.issuer.split('/').at(-1) ?? ''
  const first = row.path.includes('{handle}') ? [handle] : row.path.startsWith('/v1/people') ? [agt, key] : [agt]
  return [...first, ...Object.values(others), org, hash]
}

/** The same organization, in which everything has an id that nobody ever made. */
export function neverMade(world: World): World {
  const kinds = Object.keys(world.things) as Thing[]
  const things = Object.fromEntries(kinds.map((kind) => [kind, newId(kind)])) as World['things']
  const organization = { ...world.organization, id: newId('org'), issuer: `${world.organization.issuer}-not` }
  return { ...world, organization, things, key: newId('crd'), hash: newId('crd').padEnd(43, 'A') }
}

/** Records, and what a refused request may leave: the id of its proof, and that its credential was seen. */
const mayChange = new Set(['audit_records', 'audit_values', 'log_heads', 'replay_ids', 'pulse'])

/** A hash of everything in the store that decides anything, of all or of one organization. */
export function stateOf({ settings }: TestAuthority, organization?: string): string {
  const database = new DatabaseSync(join(settings.directory, 'credence.db'), { readOnly: true })
  try {
    const hash = createHash('sha256')
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
    for (const { name } of tables as Array<{ name: string }>) {
      if (mayChange.has(name)) continue
      const rows = database.prepare(`SELECT * FROM "${name}"`).all() as Array<Record<string, unknown>>
      const wanted = rows.filter((row) => organization === undefined || row.organization === organization)
      const kept = wanted.map(({ last_used_at_ms: _, ...row }) => JSON.stringify(row))
      hash.update(`${name}\n${kept.sort().join('\n')}\n`)
    }
    return hash.digest('hex')
  } finally {
    database.close()
  }
}
