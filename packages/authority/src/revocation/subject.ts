import { isId, isTask, refuse } from '@credence/protocol'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { type Kind, kindOf } from './end.ts'

/** What else changes when something ends, or comes back: conditions first. */
type Consequences = { ending(id: string, nowMs: number): Step[]; restoring(id: string): Step[] }

/** What is ended at an endpoint of its own, because more must happen in the same command. */
const elsewhere = {
  signing_key: 'A signing key is revoked at /v1/signing-keys: its successor must be there at once.',
  administrator: 'An administrator is ended at /v1/administrators, with or without what it attested.',
  issuing: 'Only the authority itself stops issuing, when its store has lost commits.',
} as const satisfies Partial<Record<Kind, string>>

type Elsewhere = keyof typeof elsewhere

/** Where this kind of thing is ended instead; undefined when it is ended like anything else. */
export function endedElsewhere(kind: Kind): string | undefined {
  return Object.hasOwn(elsewhere, kind) ? elsewhere[kind as Elsewhere] : undefined
}

const nothing: Consequences = { ending: () => [], restoring: () => [] }

function mustExist(table: 'agents' | 'people' | 'instances'): Consequences {
  const require = (id: string): Step[] => [{ do: 'require', table, where: { id }, otherwise: 'not_found' }]
  return { ending: require, restoring: require }
}

/**
 * One row for each kind. A token, a delegation or a task may be ended before the authority ever hears of it: a stolen statement
 * that was never shown is then refused at first sight.
 */
const consequences: Record<Exclude<Kind, Elsewhere>, Consequences> = {
  token: nothing,
  delegation: nothing,
  task: nothing,
  service: nothing,
  organization: {
    ending: () => [],
    // What the installation holds stopped, only the installation lets go.
    restoring: () => [
      { do: 'require', table: 'organizations', where: { suspended_at_ms: null }, otherwise: 'forbidden' },
    ],
  },
  person: mustExist('people'),
  instance: mustExist('instances'),
  agent: mustExist('agents'),
  credential: {
    ending: (id, nowMs) => [
      { do: 'require', table: 'credentials', where: { id }, otherwise: 'not_found' },
      { do: 'touch', table: 'credentials', where: { id, ended_at_ms: null }, set: { ended_at_ms: nowMs } },
    ],
    restoring: () => [],
  },
}

/**
 * Reads what a caller wants ended or restored.
 *
 * @throws Refusal `not_found` for what cannot exist in this organization.
 */
export function subjectOf(
  organization: Organization,
  id: string,
): { kind: Kind; agent?: string; task?: string; token?: string } {
  const kind = kindOf(id)
  const wellFormed = kind === 'task' ? isTask(id.slice('task:'.length)) : kind === 'issuing' || isId(id)
  if (!wellFormed || (kind === 'organization' && id !== organization.id)) refuse('not_found')
  if (kind === 'agent') return { kind, agent: id }
  if (kind === 'task') return { kind, task: id.slice('task:'.length) }
  return kind === 'token' ? { kind, token: id } : { kind }
}

export function stepsToEnd(services: Pick<Services, 'clock'>, kind: Kind, id: string): Step[] {
  return consequencesOf(kind).ending(id, services.clock.nowMs())
}

export function stepsToRestore(kind: Kind, id: string): Step[] {
  return consequencesOf(kind).restoring(id)
}

function consequencesOf(kind: Kind): Consequences {
  return endedElsewhere(kind) === undefined ? consequences[kind as Exclude<Kind, Elsewhere>] : nothing
}
