// Runs a module of ours in a real browser. No system package and no download: Chromium comes from the package registry.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium } from 'playwright-core'

/** Why no browser can be started here, for `context.skip(reason)`; undefined if one can. */
export function browserMissing(): string | undefined {
  return process.platform === 'linux'
    ? undefined
    : `the packaged Chromium is for Linux, and this is ${process.platform}`
}

/** The file and what it imports as one module for browsers. Fails if anything in it needs Node. */
export async function bundleForBrowser(entryFile: string): Promise<string> {
  const result = await build({
    entryPoints: [entryFile],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    conditions: ['@credence/source'],
    logLevel: 'silent',
  })
  return result.outputFiles[0]?.text ?? ''
}

/**
 * Bundles `entryFile`, loads it in a page served on localhost, and returns what its exported function `run` returns (as JSON carries it).
 * An error thrown in the page is thrown here.
 */
export async function runInBrowser(entryFile: string): Promise<unknown> {
  const bundle = await bundleForBrowser(entryFile)
  const server = createServer((request, response) => {
    const [type, body] =
      request.url === '/bundle.js' ? ['text/javascript', bundle] : ['text/html', '<!doctype html><title>test</title>']
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let browser: Browser | undefined
  try {
    browser = await launchBrowser()
    const page = await browser.newPage()
    // localhost by name: a secure context, as WebCrypto and WebAuthn demand.
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    // As text: the test runner would rewrite the import in a function.
    return await page.evaluate("import('/bundle.js').then((module) => module.run())")
  } finally {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  }
}

async function launchBrowser(): Promise<Browser> {
  const { default: packaged } = await import('@sparticuz/chromium')
  // The package's arguments turn web security off and choose a headless mode themselves; ours are what running as root needs.
  const args = process.getuid?.() === 0 ? ['--no-sandbox', '--no-zygote'] : []
  return chromium.launch({ executablePath: await unpackedChromium(packaged), headless: true, args })
}

/**
 * The package unpacks into a fixed place and trusts whatever it finds there, a half-written file included. So it gets a directory of
 * its own, which takes its final name, with the version in it, when complete.
 */
async function unpackedChromium(packaged: { executablePath(): Promise<string> }): Promise<string> {
  const manifest = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  const home = join(tmpdir(), `credence-chromium-${version}-${process.getuid?.() ?? 'user'}`)
  const executable = join(home, 'chromium')
  if (existsSync(executable)) return executable

  const previous = process.env.TMPDIR
  const scratch = mkdtempSync(join(tmpdir(), 'credence-unpack-'))
  try {
    process.env.TMPDIR = scratch
    await packaged.executablePath()
  } finally {
    if (previous === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = previous
  }
  try {
    mkdirSync(dirname(home), { recursive: true })
    renameSync(scratch, home)
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true })
    // Another process was first.
    if (!existsSync(executable)) throw error
  }
  return executable
}
