/**
 * The authority in a process of its own, started as production starts it. It ends with whoever started it, and answers each line
 * with what it holds (`Vitals`).
 */
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { settingsOf, startAuthority } from '@credence/authority'

process.stdin.on('close', () => process.exit(1))
createInterface({ input: process.stdin }).on('line', () => {
  // What is not garbage, and only that, says whether something is kept for ever.
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const handles = process.getActiveResourcesInfo().length
  process.stdout.write(`${JSON.stringify({ rss, heapUsed, handles, cpuMs: (user + system) / 1_000 })}\n`)
})
const authority = await startAuthority(settingsOf('production'))
process.stdout.write('listening\n')
// Before it is killed.
flushCompileCache()
process.once('SIGTERM', () => void authority.stop().then(() => process.exit(0)))
