/**
 * The authority in a process of its own, as production starts it. A line of input is a fault that nobody catches. With CANARY_LEAK it
 * writes down, in the form of that name, what each request shows of itself: the leak that a search must find.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { settingsOf, startAuthority } from '@credence/authority'

process.stdin.on('close', () => process.exit(1))
createInterface({ input: process.stdin }).on('line', () =>
  setImmediate(() => {
    throw new Error('a fault that nobody catches')
  }),
)
const leak = process.env.CANARY_LEAK
if (leak) {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage }
    const shown = request.headers.authorization ?? ''
    process.stderr.write(`${leak === 'plain' ? shown.slice(0, 60) : Buffer.from(shown).toString(leak as 'hex')}\n`)
  })
}
const authority = await startAuthority(settingsOf('production'))
process.once('SIGTERM', () => void authority.stop().then(() => process.exit(0)))
process.stdout.write('listening\n')
