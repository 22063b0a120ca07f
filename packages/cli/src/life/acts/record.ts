import { type AuditRecord, checkLog, proveRecord } from '../../audit_log.ts'
import { Failure } from '../../failure.ts'
import type { Story } from '../story.ts'
import type { World } from '../world.ts'

/** All of it is on record: the log is recomputed from its records, and one of them is proven to be in it. */
export async function record(story: Story, world: World, ended: string): Promise<void> {
  const { paint } = story
  const seen: AuditRecord[] = []

  story.heading('All of it is on record')
  await story.step(
    'log recomputed from its records',
    () => checkLog(world.api, (each) => void seen.push(each)),
    ({ size, root }) => ({
      says: `${size} records, root ${root.slice(0, 16)}…`,
      below: [`${paint.green('✓')} the same root as in the head the authority signed`],
    }),
  )
  await story.step(
    'the revocation, proven to be in it',
    async () => {
      const found = seen.find(({ leaf }) => leaf.type === 'revocation.made' && leaf.subject === ended)
      if (found === undefined) throw new Failure('life_broken', 'The revocation is not on record.')
      return proveRecord(world.api, found.id)
    },
    ({ record, head, path }) => ({
      says: `record ${record.position} of ${head.size}`,
      aside: record.id,
      below: [`${paint.green('✓')} ${path.length} hashes lead from it to the signed root`],
    }),
  )
}
