import { type RefusalCode, refuse } from '@credence/protocol'
import { type Credential, listCredentials, type Permission } from '../agents/index.ts'
import type { Organization, Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'

/** A person of the organization: a principal, an owner of agents. */
export type Person = {
  id: string
  name: string
  /** What they may do themselves; nobody can be delegated more than this. */
  permissions: Permission[]
  createdAtMs: number
}

export async function findPerson(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Person | undefined> {
  const row = await services.store.of(organization.id).get('people', { id })
  return row && personOf(row)
}

/** As `findPerson`, refusing when there is none. */
export async function requirePerson(
  services: Services,
  organization: Organization,
  id: string,
  otherwise: RefusalCode = 'not_found',
): Promise<Person> {
  return (await findPerson(services, organization, id)) ?? refuse(otherwise)
}

/** In the order of their ids. */
export async function listPeople(
  services: Services,
  organization: Organization,
  query: { after?: string | undefined; limit: number },
): Promise<Person[]> {
  const rows = await services.store.of(organization.id).list('people', {
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return rows.map(personOf)
}

/** Their enrolled keys, ended ones included; at most 100. */
export function keysOf(services: Services, organization: Organization, person: string): Promise<Credential[]> {
  return listCredentials(services, organization, { holder: person, limit: 100 })
}

function personOf(row: RowOf<'people'>): Person {
  return {
    id: row.id,
    name: row.name,
    permissions: JSON.parse(row.permissions) as Permission[],
    createdAtMs: row.created_at_ms,
  }
}
