import type { RefusalCode } from '@credence/protocol'
import type { RowOf, TableName } from './tables.ts'

/**
 * The store: commands in, rows out.
 *
 * What a driver promises, and `contract.ts` checks on each:
 * - `commit` answers only when the command is durable (survives `kill -9` and power loss of this machine).
 * - A command is all or nothing. Commands that share a durable commit do not see or harm one another: each has its own savepoint.
 * - Reads never see a commit that is still open, and see every commit that has been answered (read your writes, on any
 *   process of the same store).
 * - Fact sequence numbers are gap-free per organization and visible in commit order: whoever reads `seq` n has already
 *   been able to read every fact below it.
 * - Nothing crosses organizations: `organization` is part of every statement, never a parameter that may be absent.
 * - A text that an engine cannot hold as it is (NUL, not well formed) equals nothing that is read, and a command that has one in
 *   a step is refused `validation_failed`, whoever sent it.
 * - An epoch never falls, and what has ended for good never lives again.
 * - A failing driver throws a `storage_unavailable` refusal, `storage_full` where only room is missing; after it, the
 *   command is either wholly there or wholly absent.
 */
export type Store = {
  commit(command: Command): Promise<Outcome>
  of(organization: string): OrganizationReads
  /** The few reads that are not of one organization. */
  global: GlobalReads
  /** Called in this process after each commit made here; a hint for latency, never the source of truth. */
  onCommit(listener: (done: { organization: string; facts: readonly StoredFact[] }) => void): () => void
  /**
   * Called when another process of the same store may have appended facts. A hint like `onCommit`: it may come late, twice
   * or never. A store that has one process only never calls it.
   */
  onHint(listener: (organization: string) => void): () => void
  /**
   * Deletes what has expired: replay ids past `expires_at`, facts past `forget_after`, leases unseen for a week.
   * `now`: seconds.
   */
  sweep(now: number): Promise<void>
  /** Answers when the store can commit; refuses `storage_unavailable` otherwise. */
  ping(): Promise<void>
  /** Ends what was asked before, refuses `storage_unavailable` what is asked later, and fails at nothing. */
  close(): Promise<void>
}

export type Lineage = ReadonlyArray<readonly [id: string, epoch: number]>

export type Command = {
  organization: string
  /** In order. The first whose condition fails refuses the whole command. */
  steps: readonly Step[]
  /** Null only for bookkeeping without meaning of its own (acknowledgements, sequencing, sweeping). */
  audit: AuditRecord | null
}

/** A leaf, its RFC 6962 hash, and the erasable values it commits to. */
export type AuditRecord = {
  id: string
  atMs: number
  leaf: Uint8Array
  leafHash: Uint8Array
  values: ReadonlyArray<{ name: string; salt: Uint8Array; value: string }>
}

export type Step =
  | { [T in TableName]: ConditionOn<T> }[TableName]
  | { [T in WritableTable]: StepOn<T> }[WritableTable]
  | StandingStep

/** Tables with promises of their own (epochs, gap-free numbers, append only) are written by their own steps alone. */
export type WritableTable = Exclude<TableName, 'standing' | 'facts' | 'heads' | 'audit_records'>

/**
 * A condition holds when the command becomes durable, as if commands ran one after the other, with two exceptions on a
 * store that several processes write to. `absent` excludes nobody (exclusion is an `insert` on a unique key). And a
 * command that writes nothing but replay ids, touches and its audit record, which is what issuing does, waits for nobody:
 * its conditions held when it began, and an end that raced with it is caught by the lineage.
 */
type ConditionOn<T extends TableName> =
  | { do: 'require'; table: T; where: Partial<RowOf<T>>; otherwise: RefusalCode }
  | { do: 'absent'; table: T; where: Partial<RowOf<T>>; otherwise: RefusalCode }

/** A `where` of `update`, `touch` and `delete` names at least one column, except in tables of one row an organization. */
type StepOn<T extends WritableTable> =
  /** Refuses with `otherwise` when a unique key is taken. */
  | { do: 'insert'; table: T; row: RowOf<T>; otherwise: RefusalCode }
  /** Keeps the row that is there, and refuses nothing. */
  | { do: 'insert_if_absent'; table: T; row: RowOf<T> }
  /** Refuses unless exactly one row matched, and when the change would take a unique key that is taken. */
  | { do: 'update'; table: T; where: Partial<RowOf<T>>; set: Partial<RowOf<T>>; otherwise: RefusalCode }
  /** Updates what matches, if anything does. `olderThan`: only rows whose named column is null or smaller. */
  | {
      do: 'touch'
      table: T
      where: Partial<RowOf<T>>
      set: Partial<RowOf<T>>
      olderThan?: { column: keyof RowOf<T> & string; value: number }
    }
  /** Inserts, or overwrites the row with the same primary key. */
  | { do: 'put'; table: T; row: RowOf<T> }
  | { do: 'delete'; table: T; where: Partial<RowOf<T>> }

type StandingStep =
  /** Every id stands: alive, and its epoch not above the one given. An id without a row counts as alive at epoch 0. */
  | { do: 'alive'; lineage: Lineage; otherwise: RefusalCode }
  /**
   * Ends something: its epoch rises by one, and the fact is appended. `final`: dead for good (token, delegation, key,
   * task); else it may come back. What has already ended keeps its epoch, and the outcome carries the fact that is in
   * force (appended anew if it was swept); only a `final` that comes later is kept.
   * The row need not exist before (`kind` says what it is).
   */
  | { do: 'end'; id: string; kind: string; final: boolean; cause: string; atMs: number; forgetAfter: number }
  /** Brings back what was ended without `final`; its raised epoch stays. Refuses when it has no row, is alive, or is final. */
  | { do: 'restore'; id: string; atMs: number; otherwise: RefusalCode }
  /** Raises the incarnation of the feed by one, if it is the one given. */
  | { do: 'raise_incarnation'; from: number; otherwise: RefusalCode }
  /** Gives records their places in the log (all of them, or the command refuses); a place is given once. */
  | { do: 'place'; records: ReadonlyArray<{ id: string; position: number }>; otherwise: RefusalCode }

export type StoredFact = { seq: number; id: string; epoch: number; cause: string; at_ms: number; forget_after: number }

export type Outcome =
  /** `facts`: one per `end` step, in order; `fresh` false when it had already ended. */
  | { done: true; facts: ReadonlyArray<StoredFact & { fresh: boolean }> }
  | { done: false; refused: RefusalCode; step: number }

export type Order<T extends TableName> = { by: keyof RowOf<T> & string; descending?: boolean }

export type OrganizationReads = {
  /** The one row that matches, or undefined. More than one is an internal error. */
  get<T extends TableName>(table: T, where: Partial<RowOf<T>>): Promise<RowOf<T> | undefined>
  /**
   * Rows that match, ordered by `order.by` (a column unique among them), `after` excluded. Rows where that column is null
   * are left out. Text is ordered by its bytes. `in`: any of these values in one column, at most 1,000.
   */
  list<T extends TableName>(
    table: T,
    query: {
      where?: Partial<RowOf<T>>
      in?: { column: keyof RowOf<T> & string; values: ReadonlyArray<string | number> }
      order: Order<T>
      after?: string | number
      limit: number
    },
  ): Promise<Array<RowOf<T>>>
  count<T extends TableName>(table: T, where: Partial<RowOf<T>>): Promise<number>
  /** Rows of `standing` for these ids, those that exist. */
  standing(ids: readonly string[]): Promise<Array<RowOf<'standing'>>>
  /** The organization's head row; `{ seq: 0, incarnation: 1 }` when nothing was ever revoked. */
  head(): Promise<{ seq: number; incarnation: number }>
  /** Facts with `after` < seq, ascending, still relevant or not yet swept. */
  facts(after: number, limit: number): Promise<StoredFact[]>
  /** Records without a place in the log, oldest first. */
  unplaced(limit: number): Promise<Array<{ id: string; leaf_hash: Uint8Array }>>
}

export type GlobalReads = {
  organizationByHandle(handle: string): Promise<RowOfOrganization | undefined>
  organizationById(id: string): Promise<RowOfOrganization | undefined>
  organizations(query: { after?: string; limit: number }): Promise<RowOfOrganization[]>
  /** Organizations that have records without a place in the log. */
  organizationsWithUnplaced(): Promise<string[]>
}

export type RowOfOrganization = RowOf<'organizations'> & { organization: string }
