// P1, P4, P5, P6 under F02: kill -9 at any moment loses nothing acknowledged, un-revokes nothing, and leaves nothing half done.

import { test } from 'vitest'
import { freshDatabase, postgresMissing } from '../postgres.ts'
import { isLong, killAll, runCampaign } from './rounds.ts'

// Short campaigns, and more of them: every check looks at the whole of what a campaign did.
const campaigns = isLong ? 10 : 1
const rounds = isLong ? 10 : 4
const timeout = campaigns * 180_000

test('kill -9 under load, on SQLite', { timeout }, async () => {
  for (let n = 0; n < campaigns; n++) await runCampaign({ store: 'sqlite', fault: killAll, rounds })
})

test('kill -9 under load, on PostgreSQL', { timeout }, async (context) => {
  const missing = postgresMissing()
  if (missing) context.skip(missing)
  for (let n = 0; n < campaigns; n++) await runCampaign({ store: await freshDatabase(), fault: killAll, rounds })
})
