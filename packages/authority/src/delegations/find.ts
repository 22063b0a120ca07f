import { readStatement, refuse } from '@credence/protocol'
import { nowSeconds, type Organization, type Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'
import { lineageStands } from '../tokens/index.ts'
import { findDelegator, signedUntil } from './delegator.ts'
import { lineageOf } from './lineage_of.ts'
import { findPrincipal } from './principal.ts'
import type { RegisteredChain, RegisteredHop } from './registered_chain.ts'

const mostHops = 8

/** The chain that ends in this statement, or undefined when the authority does not know it. */
export async function loadChain(
  services: Services,
  organization: Organization,
  hash: string,
): Promise<RegisteredChain | undefined> {
  const row = await services.store.of(organization.id).get('delegations', { hash })
  return row && chainOf(services, organization, row)
}

/** The statement with this hash, as its delegator signed it. */
export async function statementByHash(
  services: Services,
  organization: Organization,
  hash: string,
): Promise<string | undefined> {
  return (await services.store.of(organization.id).get('delegations', { hash }))?.statement
}

export type Delegation = RegisteredHop & {
  parentHash: string | undefined
  depth: number
  /** Unix seconds: as it was found at registration, what is above it included. */
  expiresAt: number
  createdAtMs: number
  /** Whether it and everything it rests on stands. An expired one may still be alive here. */
  alive: boolean
}

export async function findDelegation(
  services: Services,
  organization: Organization,
  id: string,
): Promise<Delegation | undefined> {
  const row = await services.store.of(organization.id).get('delegations', { id })
  return row && delegationOf(services, organization, row)
}

/** In the order of their ids. */
export async function listDelegations(
  services: Services,
  organization: Organization,
  query: { where?: Partial<RowOf<'delegations'>>; after?: string | undefined; limit: number },
): Promise<Delegation[]> {
  const rows = await services.store.of(organization.id).list('delegations', {
    ...(query.where && { where: query.where }),
    order: { by: 'id' },
    ...(query.after !== undefined && { after: query.after }),
    limit: query.limit,
  })
  return Promise.all(rows.map((row) => delegationOf(services, organization, row)))
}

/**
 * The live chains by which this principal's authority came to one of these delegates, with the statement `parent` as their
 * last but one (null: given by the principal itself).
 */
export async function standingChains(
  services: Services,
  organization: Organization,
  wanted: { principal: string; delegates: readonly string[]; parent: string | null },
): Promise<RegisteredChain[]> {
  const { principal, delegates, parent } = wanted
  // Each by itself: it is found by an index of both, however much either has to do with others.
  const chains = delegates.map((delegate) => {
    return standingWith(services, organization, { principal, delegate, parent_hash: parent })
  })
  return (await Promise.all(chains)).flat()
}

async function standingWith(
  services: Services,
  organization: Organization,
  where: Pick<RowOf<'delegations'>, 'principal' | 'delegate' | 'parent_hash'>,
): Promise<RegisteredChain[]> {
  const now = nowSeconds(services.clock)
  const chains: RegisteredChain[] = []
  let after: string | undefined
  for (;;) {
    const rows = await services.store.of(organization.id).list('delegations', {
      where,
      order: { by: 'id' },
      ...(after !== undefined && { after }),
      limit: 500,
    })
    for (const row of rows) {
      if (row.expires_at <= now) continue
      if (!(await stands(services, organization, row))) continue
      const chain = await chainOf(services, organization, row)
      if (chain.expiresAt > now) chains.push(chain)
    }
    after = rows.at(-1)?.id
    if (after === undefined || rows.length < 500) return chains
  }
}

async function chainOf(
  services: Services,
  organization: Organization,
  leaf: RowOf<'delegations'>,
): Promise<RegisteredChain> {
  const rows = [leaf]
  for (let top = leaf; top.parent_hash !== null; top = rows[0] as RowOf<'delegations'>) {
    const parent = await services.store.of(organization.id).get('delegations', { hash: top.parent_hash })
    if (parent === undefined || rows.length >= mostHops) {
      refuse('internal_error', { cause: new Error('a registered delegation has lost its parent') })
    }
    rows.unshift(parent)
  }
  const hops = await Promise.all(rows.map(hopOf))
  const { principal } = await findPrincipal(services, organization, leaf.principal)
  const ends = await Promise.all(hops.map((hop) => signerEnd(services, organization, hop)))
  return {
    hops,
    leaf: hops.at(-1) as RegisteredHop,
    principal,
    lineage: lineageOf(leaf),
    expiresAt: Math.min(leaf.expires_at, ...ends),
  }
}

/** Asked each time: an agent's policy may have been tightened since. */
async function signerEnd(services: Services, organization: Organization, hop: RegisteredHop): Promise<number> {
  const { statement, kid } = hop
  const attested = statement.evidence.kind === 'attested'
  const signer = attested ? undefined : await findDelegator(services, organization, { by: statement.iss, kid })
  return signedUntil(statement, signer)
}

async function hopOf(row: RowOf<'delegations'>): Promise<RegisteredHop> {
  const { statement, hash, kid } = await readStatement(row.statement)
  return { id: row.id, hash, kid, statement, compact: row.statement, evidence: statement.evidence }
}

async function delegationOf(
  services: Services,
  organization: Organization,
  row: RowOf<'delegations'>,
): Promise<Delegation> {
  return {
    ...(await hopOf(row)),
    parentHash: row.parent_hash ?? undefined,
    depth: row.depth,
    expiresAt: row.expires_at,
    createdAtMs: row.created_at_ms,
    alive: await stands(services, organization, row),
  }
}

function stands(services: Services, organization: Organization, row: RowOf<'delegations'>): Promise<boolean> {
  return lineageStands(services, organization, lineageOf(row))
}
