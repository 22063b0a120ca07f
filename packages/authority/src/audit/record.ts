import {
  canonicalize,
  commit,
  encodeLeaf,
  type JsonValue,
  type Leaf,
  leafHash,
  newId,
  newSalt,
} from '@credence/protocol'
import type { Services } from '../services.ts'
import type { AuditRecord } from '../store/port.ts'

/** What the caller says; the rest of the leaf (version, id, organization, time, commitments) is filled in here. */
export type LeafContent = Omit<Leaf, 'v' | 'id' | 'org' | 'at_ms' | 'commitments'>

/**
 * Builds the record of one command, for `Command.audit`. It becomes durable with the command, never before and never after.
 *
 * @param content goes into the log as it is and stays for ever: identifiers and closed words only. Never a person's name,
 *   free text or an argument of a call, and never a secret, token or proof.
 * @param values people's data, arguments, free text: the leaf holds only a salted commitment to each; value and salt are
 *   stored beside the log and can be erased.
 */
export async function record(
  services: Pick<Services, 'clock'>,
  organization: { id: string },
  content: LeafContent,
  values: Record<string, JsonValue> = {},
): Promise<AuditRecord> {
  const id = newId('aud')
  const atMs = services.clock.nowMs()
  const committed = await Promise.all(
    Object.entries(values).map(async ([name, value]) => {
      const salt = newSalt()
      return { name, salt, value: canonicalize(value), commitment: await commit(name, value, salt) }
    }),
  )
  const leaf = encodeLeaf({
    ...content,
    v: 1,
    id,
    org: organization.id,
    at_ms: atMs,
    ...(committed.length > 0 && {
      commitments: Object.fromEntries(committed.map(({ name, commitment }) => [name, commitment])),
    }),
  })
  return {
    id,
    atMs,
    leaf,
    leafHash: await leafHash(leaf),
    values: committed.map(({ name, salt, value }) => ({ name, salt, value })),
  }
}
