// An authority in a process of its own, whose every output is kept, and requests whose every answer is kept.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Corpus, type Secret, secretOf } from './canaries_search.ts'

/** Receives what OpenTelemetry exports. */
export async function startCollector(corpus: Corpus) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    corpus.add(request.url?.includes('metrics') ? 'metrics' : 'traces', Buffer.concat(chunks).toString('latin1'))
    corpus.add('traces', JSON.stringify(request.headers))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  }
}

export class WatchedAuthority {
  readonly #environment: Record<string, string>
  readonly #corpus: Corpus
  #child: ChildProcess | undefined

  constructor(environment: Record<string, string>, corpus: Corpus) {
    this.#environment = environment
    this.#corpus = corpus
  }

  async start(more: Record<string, string> = {}): Promise<void> {
    const script = fileURLToPath(new URL('./canaries_serve.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=@credence/source', script], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ...this.#environment,
        ...more,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    let said = ''
    child.stdin.on('error', () => {})
    child.stderr.on('data', (data) => {
      said += data
      this.#corpus.add('standard error', String(data))
    })
    child.stdout.on('data', (data) => this.#corpus.add('standard output', String(data)))
    const listens = once(child.stdout, 'data').then(() => true)
    if (!(await Promise.race([listens, once(child, 'close').then(() => false)]))) {
      throw new Error(`The authority did not start:\n${said.slice(-2_000)}`)
    }
  }

  /** A fault that nobody catches; returns when the process is gone. */
  async fault(): Promise<void> {
    await this.#end((child) => child.stdin?.write('fault\n'))
  }

  /** As it should end, with all that it still has to send. */
  async stop(): Promise<void> {
    await this.#end((child) => child.kill('SIGTERM'))
  }

  async kill(): Promise<void> {
    await this.#end((child) => child.kill('SIGKILL'))
  }

  async #end(how: (child: ChildProcess) => unknown): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'close')
    how(child)
    await gone
  }
}

/** Where a secret is given to whoever asked for it, this once. */
const deliveries = [
  { method: 'POST', path: /\/v1\/organizations$/, of: 'administrator secret of an organization' },
  { method: 'POST', path: /\/v1\/administrators$/, of: 'administrator secret' },
  { method: 'POST', path: /\/credentials$/, of: 'client secret or API key' },
  { method: 'POST', path: /\/token$/, of: 'access token' },
]

/** Keeps every answer that `fetch` gets, without what it delivers for the first time, and every secret that is sent or delivered. */
export function watchFetch(corpus: Corpus, secrets: Map<string, Secret>): () => void {
  const { fetch } = globalThis
  const know = (name: string, text: string) => {
    if (text.length > 30 && !secrets.has(text)) secrets.set(text, secretOf(name, text))
  }
  globalThis.fetch = async (input, init) => {
    const { method, url } = new Request(input, init)
    const { pathname } = new URL(url)
    const proof = new Headers(init?.headers).get('dpop')
    if (proof) know(`proof at ${pathname}`, proof)
    const assertion = new URLSearchParams(typeof init?.body === 'string' ? init.body : '').get('client_assertion')
    if (assertion && assertion.split('.').length === 3) know(`assertion at ${pathname}`, assertion)
    const response = await fetch(input, init)
    let text = await response.clone().text()
    const delivery = deliveries.find((each) => each.method === method && each.path.test(pathname))
    if (delivery && response.ok) {
      for (const [, secret = ''] of text.matchAll(/"(?:secret|access_token)":"([^"]+)"/g)) {
        know(`${delivery.of} at ${pathname}`, secret)
        text = text.replaceAll(secret, '(delivered)')
      }
    }
    const headers = JSON.stringify([...response.headers])
    corpus.add(response.ok ? 'answers' : 'refusals', `${headers}\n${text}`)
    return response
  }
  return () => {
    globalThis.fetch = fetch
  }
}

/** All that lies in a directory, but for one file. */
export function addFiles(corpus: Corpus, directory: string, except: readonly string[]): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || except.includes(entry.name)) continue
    corpus.add(`file ${entry.name}`, readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  }
}

/** All rows of all tables, as a dump would have them. */
export async function addDump(corpus: Corpus, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query("select tablename from pg_tables where schemaname = 'public'")
    for (const { tablename } of tables.rows) {
      const { rows } = await client.query(`select t::text as row from "${tablename}" t`)
      const text = rows.map(({ row }) => row).join('\n')
      corpus.add('the dump', text)
      // Bytes stand in hexadecimal in a dump: as what they are, too.
      for (const [, hex = ''] of text.matchAll(/\\x([0-9a-f]{2,})/g)) {
        corpus.add('the dump', Buffer.from(hex, 'hex').toString('latin1'))
      }
    }
  } finally {
    await client.end()
  }
}
