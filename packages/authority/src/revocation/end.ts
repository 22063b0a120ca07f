import { type RefusalCode, refuse } from '@credence/protocol'
import type { Step } from '../store/port.ts'

/** What can be ended. `final`: for good; the others may come back, with a higher epoch. */
const kinds = {
  token: { final: true },
  delegation: { final: true },
  credential: { final: true },
  task: { final: true },
  signing_key: { final: true },
  administrator: { final: true },
  agent: { final: false },
  instance: { final: false },
  person: { final: false },
  service: { final: false },
  organization: { final: false },
  issuing: { final: false },
} as const satisfies Record<string, { final: boolean }>

export type Kind = keyof typeof kinds

const kindByPrefix: Readonly<Record<string, Kind>> = {
  tok: 'token',
  dlg: 'delegation',
  crd: 'credential',
  sgk: 'signing_key',
  adm: 'administrator',
  agt: 'agent',
  ins: 'instance',
  psn: 'person',
  svc: 'service',
  org: 'organization',
}

/** The longest life of an access token, and how far clocks of issuers and verifiers may lie apart: seconds. */
const longestToken = 900
const clockTolerance = 300

/** Seconds a signing key's fact is kept: whoever stole the key writes any expiry into what he signs. */
const tenYears = 10 * 365 * 86_400

export type Ending = {
  id: string
  cause: string
  atMs: number
  /** For good, although its kind may usually come back: an agent that is retired. */
  final?: boolean
}

/** That an organization gives out tokens. Only the authority itself ends it (`recoverIfBehind`); no token has it in its lineage. */
export const issuing = 'issuing'

/** The id under which a task stands in lineages. */
export function taskId(task: string): string {
  return `task:${task}`
}

/** @throws Refusal with code `otherwise` for an id that names nothing that can be ended. */
export function kindOf(id: string, otherwise: RefusalCode = 'not_found'): Kind {
  if (id.startsWith('task:')) return 'task'
  if (id === issuing) return 'issuing'
  const kind = kindByPrefix[id.slice(0, id.indexOf('_'))]
  return kind ?? refuse(otherwise)
}

/**
 * The step that ends something, for any command. What rests on it ends with it, by lineage: nothing is enumerated.
 *
 * Verifiers may forget the fact once no token issued before it can be alive; the standing row, which stops new ones, stays.
 */
export function endStep({ id, cause, atMs, final }: Ending): Step {
  const kind = kindOf(id)
  const forgetAfter = Math.ceil(atMs / 1000) + (kind === 'signing_key' ? tenYears : longestToken + clockTolerance)
  return { do: 'end', id, kind, final: final ?? kinds[kind].final, cause, atMs, forgetAfter }
}

/** Whether this kind of thing may come back. */
export function mayComeBack(id: string): boolean {
  return !kinds[kindOf(id)].final
}

/** When the last access token that was issued before `atMs` has expired, at the latest. */
export function lastTokenExpiresMs(atMs: number): number {
  return atMs + longestToken * 1000
}
