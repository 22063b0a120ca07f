import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { refusals } from '@credence/protocol'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { browserMissing, runInBrowser } from '../browser/run.ts'

const root = resolve(import.meta.dirname, '../..')

test('both sides of the SDK work in a browser', async (context) => {
  const reason = browserMissing()
  if (reason) context.skip(reason)
  const said = await runInBrowser(join(import.meta.dirname, 'entries/browser.ts'))
  expect(said).toEqual(['spiffe://acme.example/agent/payer', 'revoked'])
})

test('what a service takes in stays small, needs no Node, and leaves out what only an authority can refuse', async () => {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'sdks/typescript/src/verify.ts')],
    conditions: ['@credence/source'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['jose'],
    write: false,
    logLevel: 'silent',
  })
  const bundle = outputFiles[0]?.text ?? ''
  const bytes = gzipSync(bundle, { level: 9 }).byteLength
  console.log(`@credence/sdk/verify: ${(bytes / 1024).toFixed(1)} KiB minified and gzipped, without jose`)
  expect(bytes).toBeLessThan(20.5 * 1024)
  expect(bundle).toContain(refusals.lease_over.hint)
  for (const code of ['handle_taken', 'client_unknown', 'scope_unknown', 'store_locked'] as const) {
    expect(bundle).not.toContain(refusals[code].says)
  }
})
