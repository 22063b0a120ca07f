import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
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

test('what a service takes in stays small, and needs no Node', async () => {
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
  const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).byteLength
  console.log(`@credence/sdk/verify: ${(bytes / 1024).toFixed(1)} KiB minified and gzipped, without jose`)
  expect(bytes).toBeLessThan(25 * 1024)
})
