import { join } from 'node:path'
import { refusals } from '@credence/protocol'
import { describe, expect, test } from 'vitest'
import { browserMissing, runInBrowser } from '../browser/run.ts'
import { bundled } from './bundle.ts'

test('both sides of the SDK work in a browser', async (context) => {
  const reason = browserMissing()
  if (reason) context.skip(reason)
  const said = await runInBrowser(join(import.meta.dirname, 'entries/browser.ts'))
  expect(said).toEqual(['spiffe://acme.example/agent/payer', 'revoked'])
})

describe('what a service takes in', () => {
  test.each([
    ['edge.ts', 20_000],
    ['verify.ts', 22_528],
  ])('%s stays below %i bytes, needs no Node and no package, and says what is wrong', async (entry, most) => {
    const { text, gzipped: bytes } = await bundled(`export * from './${entry}'`)
    console.log(
      `@credence/sdk/${entry.replace('.ts', '')}: ${bytes} bytes (${(bytes / 1024).toFixed(1)} KiB) minified and gzipped`,
    )
    expect(bytes).toBeLessThan(most)
    expect(text).not.toMatch(/\bfrom\s*["']|\bimport\s*[("']/)
    expect(text).toContain(refusals.lease_over.hint)
    // What only an authority can refuse.
    for (const code of ['handle_taken', 'client_unknown', 'scope_unknown', 'store_locked'] as const) {
      expect(text).not.toContain(refusals[code].says)
    }
  })
})
