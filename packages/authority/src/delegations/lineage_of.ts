import type { Lineage } from '@credence/protocol'
import { oncePerRow } from '../store/per_row.ts'
import type { RowOf } from '../store/tables.ts'

/** What a registered statement rests on, its ancestors' included, as it was stamped. */
export const lineageOf = oncePerRow((row: RowOf<'delegations'>) => JSON.parse(row.lineage) as Lineage)
