import { type RefusalCode, refuse } from '@credence/protocol'
import { type Credential, listCredentials, type Permission } from '../agents/index.ts'
import type { Organization, Services } from '../services.ts'
import { oncePerRow } from '../store/per_row.ts'
import type { RowOf } from '../store/tables.ts'

/** A person of the organization: a principal, an owner of agents. */
export type Person = {
  id: string
  name: string
  /** What they may do themselves; nobody can be delegated more than this. */
  permissions: Permission[]
  createdAtMs: number
}

/** As others see them. While suspended, nothing is issued on their behalf and nothing they sign counts. */
export type ListedPerson = Person & { status: 'active' | 'suspended' }

export async function findPerson(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Person | undefined> {
  const row = await services.store.of(organization.id).get('people', { id })
  return row && personOf(row)
}

/** With their status, refusing when there is none. */
export async function requirePerson(
  services: Services,
  organization: Organization,
  id: string,
  otherwise: RefusalCode = 'not_found',
): Promise<ListedPerson> {
  const person = (await findPerson(services, organization, id)) ?? refuse(otherwise)
  return (await withStanding(services, organization, [person]))[0] ?? refuse('internal_error')
}

/** In the order of their ids. */
export async function listPeople(
  services: Services,
  organization: Organization,
  query: { after?: string | undefined; limit: number },
): Promise<ListedPerson[]> {
  const rows = await services.store.of(organization.id).list('people', {
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return withStanding(services, organization, rows.map(personOf))
}

const keysAtOnce = 100

/** All their enrolled keys, ended ones included: none is hidden by there being many. */
export async function keysOf(services: Services, organization: Organization, person: string): Promise<Credential[]> {
  const keys: Credential[] = []
  for (;;) {
    const after = keys.at(-1)?.id
    const some = await listCredentials(services, organization, { holder: person, after, limit: keysAtOnce })
    keys.push(...some)
    if (some.length < keysAtOnce) return keys
  }
}

/** Standing is the one truth about suspension, wherever it was ended. */
async function withStanding(
  services: Services,
  organization: Organization,
  people: readonly Person[],
): Promise<ListedPerson[]> {
  const standings = await services.store.of(organization.id).standing(people.map(({ id }) => id))
  const ended = new Set(standings.filter(({ alive }) => alive === 0).map(({ id }) => id))
  return people.map((person) => ({ ...person, status: ended.has(person.id) ? 'suspended' : 'active' }))
}

const personOf = oncePerRow(
  (row: RowOf<'people'>): Person => ({
    id: row.id,
    name: row.name,
    permissions: JSON.parse(row.permissions) as Permission[],
    createdAtMs: row.created_at_ms,
  }),
)
