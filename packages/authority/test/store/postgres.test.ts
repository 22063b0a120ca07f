import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, it } from 'vitest'
import { freshDatabase, postgresMissing } from '../../../../tests/postgres.ts'
import { openPostgres } from '../../src/store/postgres/index.ts'
import { contract, type Place } from './contract.ts'

const missing = postgresMissing()
if (missing) {
  describe('the store on PostgreSQL', () => {
    it('keeps its promises', (context) => context.skip(missing))
  })
} else {
  contract('PostgreSQL', async (): Promise<Place> => {
    const at = await freshDatabase()
    return { engine: 'postgres', at, open: () => openPostgres({ url: at, poolSize: 8 }), deserted: () => deserted(at) }
  })
}

/** Its backends end what they were asked before they notice. */
async function deserted(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  const others = 'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
  while ((await client.query(others)).rows.length > 0) await sleep(20)
  await client.end()
}
