// One authority as it is deployed: its data, its origin, and one or more processes that are killed and started again.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newWrappingKey } from '@credence/authority'
import { call, type TestOrganization } from '../authority.ts'

export type Deployment = {
  /** The public origin, wherever a request is sent. */
  origin: string
  directory: string
  processes: readonly AuthorityProcess[]
  createOrganization(handle: string): Promise<TestOrganization>
  remove(): Promise<void>
}

/**
 * @param store `sqlite`, or the URL of a database of its own. The processes are started; several need PostgreSQL.
 * @param settings variables over those set here. @param through what every start goes through, such as `prlimit` with its options.
 */
export async function deploy(
  store: string,
  {
    processes: count = 1,
    settings = {},
    through = [],
  }: { processes?: number; settings?: Record<string, string>; through?: readonly string[] } = {},
): Promise<Deployment> {
  const directory = mkdtempSync(join(tmpdir(), 'credence-faults-'))
  const ports = await freePorts(count)
  const origin = `http://localhost:${ports[0]}`
  const environment = {
    CREDENCE_ORIGIN: origin,
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_WRAPPING_KEYS: newWrappingKey(),
    CREDENCE_STORE: store === 'sqlite' ? `sqlite:${join(directory, 'credence.db')}` : store,
    CREDENCE_DIRECTORY: directory,
    CREDENCE_LOG_LEVEL: 'warn',
    // Tokens outlive the test that made them, and being refused often is what the test is about.
    CREDENCE_ACCESS_TOKEN_LIFETIME: '900',
    CREDENCE_FAILURES_PER_MINUTE: '0',
    ...settings,
  }
  const processes = ports.map((port) => new AuthorityProcess(port, environment, through))
  const remove = async () => {
    await Promise.all(processes.map((process) => process.kill()))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    for (const process of processes) await process.start()
  } catch (error) {
    await remove()
    throw error
  }
  return {
    origin,
    directory,
    processes,
    async createOrganization(handle) {
      const installationSecret = readFileSync(join(directory, 'installation-administrator'), 'utf8').trim()
      const { status, body } = await call(installationSecret, 'post', `${origin}/v1/organizations`, { handle })
      if (status !== 201) throw new Error(`no organization ${handle}: ${status} ${JSON.stringify(body)}`)
      const administratorSecret = body.administrator.secret
      return {
        id: body.id,
        issuer: body.issuer,
        trustDomain: body.trust_domain,
        administratorSecret,
        api: (method, path, sent) => call(administratorSecret, method, `${body.issuer}${path}`, sent),
      }
    },
    remove,
  }
}

/** Prints what repeats a test that fails, and the end of what each process logged. */
export function tellLogs({ processes }: Pick<Deployment, 'processes'>, seed: number): void {
  console.log(`FAULT_SEED=${seed}`, processes.map(({ log }) => log.slice(-4_000)).join('\n'))
}

/** What a process holds. Bytes, after its garbage is collected; `cpuMs` since its start. */
export type Vitals = { rss: number; heapUsed: number; handles: number; cpuMs: number; descriptors: number }

export class AuthorityProcess {
  /** Where this process is reached. */
  readonly url: string
  readonly #environment: Record<string, string>
  readonly #through: readonly string[]
  #child: ChildProcess | undefined
  #written = ''

  constructor(port: number, environment: Record<string, string>, through: readonly string[]) {
    this.url = `http://localhost:${port}`
    this.#through = through
    this.#environment = { ...environment, CREDENCE_PORT: `${port}` }
  }

  /** What it has logged since it was made, over all its lives. */
  get log(): string {
    return this.#written
  }

  /** The system's number of what was started last. What it is started through must become it (`exec`). */
  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('The authority was never started.')
    return pid
  }

  /** Whether what was started last has ended, however. */
  get isGone(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** @param through what this start goes through. @returns milliseconds until it answers. */
  async start(
    through: readonly string[] = this.#through,
    settings: Readonly<Record<string, string | undefined>> = {},
  ): Promise<number> {
    const began = performance.now()
    const script = fileURLToPath(new URL('./serve.ts', import.meta.url))
    const command = [...through, process.execPath, '--conditions=@credence/source', script]
    const child = spawn(command[0] as string, command.slice(1), {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ...this.#environment,
        ...settings,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    // Writing to one that is gone is no error here.
    child.stdin.on('error', () => {})
    child.stderr.on('data', (chunk) => {
      this.#written += chunk
    })
    const listens = once(child.stdout, 'data').then(() => true)
    if (!(await Promise.race([listens, once(child, 'close').then(() => false)]))) {
      throw new Error(`The authority did not start:\n${this.#written.slice(-2_000)}`)
    }
    return performance.now() - began
  }

  async vitals(): Promise<Vitals> {
    const child = this.#child
    if (!child?.stdin || !child.stdout) throw new Error('The authority was never started.')
    const answer = once(child.stdout, 'data')
    child.stdin.write('vitals\n')
    const descriptors = existsSync(`/proc/${child.pid}/fd`) ? readdirSync(`/proc/${child.pid}/fd`).length : 0
    return { ...JSON.parse(String((await answer)[0])), descriptors }
  }

  /** `kill -9`; returns when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (!child || this.isGone) return
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }
}

/**
 * Ports from below those that systems hand out by themselves: while the authority is down, no connection of anybody else's may
 * happen to begin at its port.
 */
async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = 12_000 + Math.floor(Math.random() * 18_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free && !ports.includes(port)) ports.push(port)
  }
  return ports
}
