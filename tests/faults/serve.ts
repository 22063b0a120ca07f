/** The authority in a process of its own, started as production starts it. It ends with whoever started it. */
import { flushCompileCache } from 'node:module'
import { settingsOf, startAuthority } from '@credence/authority'

process.stdin.resume().on('close', () => process.exit(1))
const authority = await startAuthority(settingsOf('production'))
process.stdout.write('listening\n')
// Before it is killed.
flushCompileCache()
process.once('SIGTERM', () => void authority.stop().then(() => process.exit(0)))
