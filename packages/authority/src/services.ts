import { type Algorithm, refuse } from '@credence/protocol'
import type { RefusalCounter } from './audit/index.ts'
import type { Config } from './config.ts'
import type { FeedHub } from './revocation/index.ts'
import type { Command, Lineage, Outcome, Store } from './store/port.ts'
import type { Logger, Telemetry } from './telemetry/telemetry.ts'
import type { Sealer } from './tokens/index.ts'

/** What the authority is built from: made once by `start.ts`, passed by name to everything else. */
export type Services = {
  config: Config
  store: Store
  clock: SteadyClock
  log: Logger
  telemetry: Telemetry
  sealer: Sealer
  feed: FeedHub
  refusals: RefusalCounter
}

export type Clock = {
  /** Unix milliseconds. */
  nowMs(): number
  /** Milliseconds from an arbitrary start; never falls, whatever happens to the wall clock. */
  monotonicMs(): number
}

export type SteadyClock = Clock & {
  /**
   * The time that would have come without any jump ahead of the last 20 minutes: never later than `nowMs`. What is deleted because it
   * has expired, and who is not waited for because its lease is over, goes by this, so that a clock that is ahead by mistake forgets
   * nothing that lives.
   */
  settledMs(): number
  /** By how much this time is ahead of a wall clock that was set back. */
  aheadMs(): number
}

/** A tenant. Everything but the time is fixed at its creation and never reused. */
export type Organization = {
  id: string
  handle: string
  /** Stored, never derived from a request. */
  issuer: string
  trustDomain: string
  displayName: string
  /** What new signing keys of this organization are made for. */
  signingAlgorithm: Algorithm
  /** Unix milliseconds. */
  createdAtMs: number
}

/** Stands where an organization would, for what is the installation's own: its administrators and their log. No organization has it. */
export const installation = 'org_AAAAAAAAAAAAAAAAAAAAAA'

/** Now, in the whole seconds that tokens and statements count in. */
export function nowSeconds(clock: Clock): number {
  return Math.floor(clock.nowMs() / 1000)
}

/** Commits, or refuses with what the store refused. */
export async function commit(
  { store }: Pick<Services, 'store'>,
  command: Command,
): Promise<Extract<Outcome, { done: true }>> {
  const outcome = await store.commit(command)
  return outcome.done ? outcome : refuse(outcome.refused)
}

/** For an `alive` step that asks only whether these are alive, whatever epoch they have come to. */
export function aliveNow(...ids: string[]): Lineage {
  return ids.map((id) => [id, Number.MAX_SAFE_INTEGER])
}
