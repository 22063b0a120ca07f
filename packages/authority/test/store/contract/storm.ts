// A process for `crashes.ts` to kill: commits without end from 32 callers, and says each number once its commit was answered.
//
//   storm.ts <engine> <file or URL> <organization> <first number>

import { writeSync } from 'node:fs'
import { openPostgres } from '../../../src/store/postgres/index.ts'
import { openSqlite } from '../../../src/store/sqlite/index.ts'
import { auditRecord, bytes, end, insertPerson, replayId } from './examples.ts'

const [engine, at = '', organization = '', first] = process.argv.slice(2)
const store = engine === 'sqlite' ? await openSqlite({ file: at }) : await openPostgres({ url: at, poolSize: 8 })
let next = Number(first)

async function caller(): Promise<never> {
  for (;;) {
    const index = next++
    const audit = auditRecord({ values: [{ name: 'index', salt: bytes('salt'), value: String(index) }] })
    // The person's name is the id of the record, so that one can be held against the other.
    const steps = [insertPerson(`psn_${index}`, audit.id), replayId(`jti_${index}`)]
    if (index % 4 === 0) steps.push(end(`agt_${index}`))
    const outcome = await store.commit({ organization, steps, audit })
    if (!outcome.done) throw new Error(outcome.refused)
    writeSync(1, `${index}\n`)
  }
}

await Promise.all(Array.from({ length: 32 }, caller))
