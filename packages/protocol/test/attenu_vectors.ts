// The published vectors of draft-asor-wimse-agent-delegation-chain (PyPI `attenu-guard`), made into our statements.
//
// Theirs are access tokens signed with HS256, a secret that everybody knows. Here each payload is read from its bytes by our own parser, said
// again as a statement and signed with ES256 keys of the test, with whatever is wrong with it kept wrong. Nothing symmetric is verified.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inflateRawSync } from 'node:zlib'

export const release = 'attenu-guard==0.21.0'
const cache = fileURLToPath(new URL('../../../node_modules/.cache/attenu-guard-0.21.0/', import.meta.url))

export type Vector = {
  name: string
  expect?: 'accept'
  expect_reject_reason?: string
  tokens: string[]
  verifier?: { audience: string; accepted_algs: string[] }
}

/** The vectors of a set (`vectors` for -01, `vectors/draft02`), or why there are none. */
export function attenuVectors(folder: 'vectors' | 'vectors/draft02'): Vector[] | string {
  const wheel = fetchWheel()
  if (!wheel.endsWith('.whl')) return wheel
  const entries = [...filesOf(readFileSync(wheel))]
  const found = entries.filter(([path]) => new RegExp(`^attenu_guard/${folder}/[a-z_0-9]+\\.json$`).test(path))
  return found.map(([path, text]) => ({
    ...JSON.parse(text),
    name: path.split('/').at(-1)?.replace('.json', '') ?? '',
  }))
}

function fetchWheel(): string {
  const cached = () => (existsSync(cache) ? readdirSync(cache).find((name) => name.endsWith('.whl')) : undefined)
  if (cached() === undefined) {
    mkdirSync(cache, { recursive: true })
    try {
      const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', cache, release]
      execFileSync('python3', args, { timeout: 120_000, stdio: 'pipe' })
    } catch (error) {
      const said =
        error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no python3' : 'pip could not'
      return `${release} could not be fetched from PyPI: ${said}`
    }
  }
  return join(cache, cached() ?? '')
}

/** The text files in a zip archive, by its central directory (APPNOTE 4.3.12): enough for a wheel. */
function* filesOf(zip: Buffer): Generator<[path: string, text: string]> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [method, packed] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)]
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => zip.readUInt16LE(at + place)) as [
      number,
      number,
      number,
    ]
    const path = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const local = zip.readUInt32LE(at + 42)
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const bytes = zip.subarray(start, start + packed)
    if (path.endsWith('.json')) yield [path, (method === 0 ? bytes : inflateRawSync(bytes)).toString('utf8')]
    at += 46 + nameLength + extraLength + commentLength
  }
}
