import { createHash, randomBytes } from 'node:crypto'
import type { Tables } from '../packages/authority/src/store/tables.ts'

/** How much there is. What hangs on it (records, ended things, people) grows along. */
export type Size = { agents: number; delegations: number }

/** What all rows have in common: made by the authority before. */
export type Seed = {
  organization: string
  trustDomain: string
  /** What every agent is like, its key included, so that a token can be asked for as any of them. */
  agent: Tables['agents']
  credential: Tables['credentials']
  /** Where the organization's log and feed stand. */
  log: { size: number }
  feed: { seq: number }
  nowMs: number
}

type Rows<T extends keyof Tables> = Iterable<Tables[T]>

/** As long as a statement. */
const words = randomBytes(1_000).toString('base64url')

/** Base64url in the order of its bytes, so that what counts up sorts up. */
const digits = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
const chance = randomBytes(1 << 16).toString('base64url')
const under = (most: number): number => Math.floor(Math.random() * most)
/** Letters of base64url that nobody else has, when there are more than 40 of them. */
const random = (length: number): string => {
  let text = ''
  while (text.length < length) {
    const at = under(chance.length - 10)
    text += chance.slice(at, at + Math.min(10, length - text.length))
  }
  return text
}

/**
 * The id of the `index`-th of `count`: in the order of their ids, and spread over all that there can be, so that those that are made
 * later fall between them, anywhere.
 */
export const idAt = (prefix: string, index: number, count: number): string =>
  `${prefix}_${place(((index + 0.5) / count) * 2 ** 42)}${rest(index)}`

/** An id that nothing else has, anywhere among all that there can be. */
const scatteredId = (prefix: string, index: number): string =>
  `${prefix}_${place((index * 2_654_435_761) % 2 ** 42)}${rest(index)}`

/** Seven letters for 42 bits. */
const place = (bits: number): string => {
  let value = Math.floor(bits)
  let text = ''
  for (let letter = 0; letter < 7; letter++) {
    text = digits[value % 64] + text
    value = Math.floor(value / 64)
  }
  return text
}

/** The last of 22 letters has four bits that mean nothing, and must be zero. */
const rest = (index: number): string => {
  const at = (index * 7919) % (chance.length - 14)
  return `${chance.slice(at, at + 14)}A`
}

export const handleAt = (index: number): string => `agent-${index}`
export const spiffeIdOf = ({ trustDomain }: Seed, index: number): string =>
  `spiffe://${trustDomain}/agent/${handleAt(index)}`

/** One person answers for a hundred agents. */
const perPerson = 100
const peopleOf = ({ agents }: Size): number => Math.max(1, Math.ceil(agents / perPerson))
/** Of every hundred delegations one is the organization's own, and one is given to the agent that everybody uses. */
const oneIn = 100
/** Of every hundred things one has ended. */
const endedOneIn = 100

export function* people({ organization, agent, nowMs }: Seed, size: Size): Rows<'people'> {
  const { permissions } = agent
  const count = peopleOf(size)
  for (let i = 0; i < count; i++)
    yield { organization, id: idAt('psn', i, count), name: `Person ${i}`, permissions, created_at_ms: nowMs }
}

export function* agents(seed: Seed, size: Size): Rows<'agents'> {
  for (let i = 0; i < size.agents; i++)
    yield {
      ...seed.agent,
      id: idAt('agt', i, size.agents),
      handle: handleAt(i),
      spiffe_id: spiffeIdOf(seed, i),
      owner: idAt('psn', Math.floor(i / perPerson), peopleOf(size)),
    }
}

export function* credentials({ credential }: Seed, size: Size): Rows<'credentials'> {
  for (let i = 0; i < size.agents; i++)
    yield { ...credential, id: idAt('crd', i, size.agents), holder: idAt('agt', i, size.agents) }
}

/** Root statements of persons to agents. As long as real ones, but nobody signed them: they are there to be many. */
export function* delegations(seed: Seed, size: Size): Rows<'delegations'> {
  const { organization, nowMs } = seed
  const persons = peopleOf(size)
  const expires_at = Math.floor(nowMs / 1000) + 80 * 86_400
  for (let i = 0; i < size.delegations; i++) {
    const id = idAt('dlg', i, size.delegations)
    const person = idAt('psn', under(persons), persons)
    const principal = i % oneIn === 0 ? organization : person
    const agent = i % oneIn === 1 ? 0 : under(size.agents)
    const lineage = [organization, principal, idAt('agt', agent, size.agents), `crd_${random(21)}A`, id]
    yield {
      organization,
      id,
      hash: random(43),
      parent_hash: null,
      statement: words.slice(0, 700 + under(40)),
      evidence: '{"kind":"signed"}',
      principal,
      delegator: principal,
      delegate: spiffeIdOf(seed, agent),
      attested_by: null,
      depth: 0,
      lineage: JSON.stringify([...new Set(lineage)].map((each) => [each, 0])),
      expires_at,
      created_at_ms: nowMs,
    }
  }
}

export type LogRow = Tables['audit_records'] & { position: number }

/** The records of as many registrations, and of every tenth delegation: in their places, as the sequencer would have put them. */
export function* records({ organization, log, nowMs }: Seed, size: Size): Iterable<LogRow> {
  const count = size.agents + Math.floor(size.delegations / 10)
  for (let i = 0; i < count; i++) {
    const id = scatteredId('aud', i)
    const of = i < size.agents ? idAt('agt', i, size.agents) : `dlg_${random(21)}A`
    const type = i < size.agents ? 'agent.registered' : 'delegation.registered'
    const by = 'adm_AAAAAAAAAAAAAAAAAAAAAA'
    const told = { v: 1, id, org: organization, at_ms: nowMs, type, by, subject: of, outcome: 'done' }
    const leaf = Buffer.from(JSON.stringify({ ...told, commitments: { handle: random(43), purpose: random(43) } }))
    const leaf_hash = createHash('sha256').update('\0').update(leaf).digest()
    yield { organization, id, leaf, leaf_hash, at_ms: nowMs, position: log.size + i }
  }
}

export const endedOf = ({ delegations }: Size): number => Math.ceil(delegations / endedOneIn)

/** What has ended and is remembered: delegations that have not expired yet. */
export function* facts({ organization, feed, nowMs }: Seed, size: Size): Rows<'facts'> {
  const forget_after = Math.floor(nowMs / 1000) + 80 * 86_400
  const count = endedOf(size)
  for (let i = 0; i < count; i++) {
    const id = idAt('dlg', i * endedOneIn + 7, size.delegations)
    yield { organization, seq: feed.seq + 1 + i, id, epoch: 1, cause: 'seeded', at_ms: nowMs, forget_after }
  }
}

export function* standing({ organization, nowMs }: Seed, size: Size): Rows<'standing'> {
  const count = endedOf(size)
  for (let i = 0; i < count; i++) {
    const id = idAt('dlg', i * endedOneIn + 7, size.delegations)
    yield { organization, id, kind: 'delegation', epoch: 1, alive: 0, final: 1, since_ms: nowMs }
  }
}
