/** The authority under load, in a process of its own, as production runs it; one line of JSON when it listens. */
import { readFileSync } from 'node:fs'
import { createLogger, newWrappingKey, parseConfig, startAuthority } from '@credence/authority'

const { directory, store } = JSON.parse(readFileSync(0, 'utf8')) as { directory: string; store: string }

const secrets = new Map<string, string>()
const settings = parseConfig({
  mode: 'production',
  environment: {
    CREDENCE_ORIGIN: 'http://localhost:1',
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_WRAPPING_KEYS: newWrappingKey(),
    CREDENCE_STORE: store,
    CREDENCE_DIRECTORY: directory,
    CREDENCE_LOG_LEVEL: 'error',
  },
  readFile: () => '',
})
const authority = await startAuthority(
  { ...settings, origin: '', port: 0 },
  {
    log: createLogger('error'),
    place: (name) => ({ prepare() {}, discard() {}, keep: (secret) => void secrets.set(name, secret) }),
  },
)
const installationSecret = secrets.get('installation-administrator')
process.stdout.write(`${JSON.stringify({ origin: authority.url, installationSecret })}\n`)
process.on('SIGTERM', () => void authority.stop().then(() => process.exit(0)))
