import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as protocol from '@credence/protocol'
import { expect, test } from 'vitest'
import { browserMissing, bundleForBrowser, runInBrowser } from './run.ts'

const entry = join(import.meta.dirname, 'entries/protocol.ts')

test('the protocol bundles for browsers and imports no module of Node’s', async () => {
  expect(await bundleForBrowser(entry)).not.toMatch(
    /(?:from|import|import\(|require\()\s*["'](?:node:|fs|crypto|buffer)/,
  )
})

test('a bundle that needs Node is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'credence-bundle-'))
  try {
    writeFileSync(
      join(directory, 'entry.ts'),
      "import { randomBytes } from 'node:crypto'\nexport const run = () => randomBytes(1)\n",
    )
    await expect(bundleForBrowser(join(directory, 'entry.ts'))).rejects.toThrow(/node:crypto/)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('the protocol loads in a browser and exports there what it exports in Node', async (context) => {
  const reason = browserMissing()
  if (reason) context.skip(reason)
  expect(await runInBrowser(entry)).toEqual({ exports: Object.keys(protocol).sort(), secure: true, bytes: 32 })
})
