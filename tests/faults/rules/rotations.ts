import { type Case, describe, type Violation } from '../check.ts'

/** Of a key that was acknowledged as on its way. `prepared` nobody is told of. */
const acknowledged: ReadonlySet<string | undefined> = new Set(['published', 'active', 'retired', 'revoked'])

/** I1, I4 and I6 of signing keys: one that is on its way stays so, with its records, and one key signs. */
export function rotations({ told, now: { keys, log } }: Case): Violation[] {
  const found: Violation[] = []
  const changed = log.records.filter(({ leaf }) => leaf.type === 'signing_key.changed')
  const subjectsOf = (action: string) =>
    new Set(changed.filter(({ leaf }) => leaf.action === action).map(({ leaf }) => leaf.subject ?? ''))
  const [prepared, published] = [subjectsOf('prepare'), subjectsOf('publish')]
  for (const one of told) {
    const { id = '' } = one.result
    if (one.wish.do !== 'rotate' || one.outcome !== 'done') continue
    const state = keys.get(id)
    if (!acknowledged.has(state)) found.push({ rule: 'I1', says: `${describe(one)}: key ${id} is ${state}` })
    if (!prepared.has(id) || !published.has(id)) {
      found.push({ rule: 'I4', says: `${describe(one)}: acknowledged, and no record of key ${id}` })
    }
  }

  for (const id of prepared) if (!keys.has(id)) found.push({ rule: 'I6', says: `key ${id} is recorded and not there` })
  for (const [id, state] of keys) {
    if (state === 'published' && !published.has(id)) {
      found.push({ rule: 'I6', says: `key ${id} is published without a record` })
    }
  }
  // The first key comes with its organization, and has no record of its own.
  const unrecorded = [...keys.keys()].filter((id) => !prepared.has(id))
  if (unrecorded.length !== 1) {
    found.push({ rule: 'I6', says: `keys ${unrecorded.join(', ') || 'all'} are there without a record` })
  }
  const signing = [...keys.values()].filter((state) => state === 'active').length
  if (signing !== 1) found.push({ rule: 'I6', says: `${signing} keys sign` })
  return found
}
