import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** An authority as an operator runs it: `credence start`, in a process of its own, with a store that outlives it. */
export type Deployed = {
  origin: string
  directory: string
  /** Of the database, as `CREDENCE_STORE` names it. */
  store: string
  installationSecret(): string
  pid(): number
  /** Milliseconds from the start of the process until it was ready. */
  start(): Promise<number>
  stop(): Promise<void>
  kill(): Promise<void>
  /** Stops it and deletes what it wrote. */
  remove(): Promise<void>
}

/**
 * @param environment more settings, `CREDENCE_…`
 * @param under where the store is put; the system's directory for temporary files, unless it is said
 */
export const deploy = async (
  options: { store?: string; environment?: Record<string, string>; under?: string; flags?: string[] } = {},
): Promise<Deployed> => {
  const directory = mkdtempSync(join(options.under ?? tmpdir(), 'credence-bench-'))
  const store = options.store ?? `sqlite:${join(directory, 'credence.db')}`
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const environment = {
    ...process.env,
    CREDENCE_ORIGIN: origin,
    CREDENCE_PORT: `${port}`,
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_WRAPPING_KEYS: `first:${randomBytes(32).toString('base64url')}`,
    CREDENCE_STORE: store,
    CREDENCE_DIRECTORY: directory,
    CREDENCE_LOG_LEVEL: 'error',
    ...options.environment,
  }
  const command = [...(options.flags ?? []), '--conditions=@credence/source', 'packages/cli/src/main.ts', 'start']
  let child: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()

  const end = async (signal: NodeJS.Signals) => {
    child?.kill(signal)
    await ended
  }
  return {
    origin,
    directory,
    store,
    installationSecret: () => readFileSync(join(directory, 'installation-administrator'), 'utf8').trim(),
    pid: () => child?.pid ?? 0,
    start: async () => {
      const begun = performance.now()
      const started = spawn(process.execPath, command, { env: environment, stdio: ['ignore', 'ignore', 'inherit'] })
      child = started
      ended = new Promise((resolve) => started.once('exit', resolve))
      while (!(await isReady(origin))) {
        if (started.exitCode !== null) throw new Error(`the authority ended with ${started.exitCode}`)
        await sleep(5)
      }
      return performance.now() - begun
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    remove: async () => {
      await end('SIGTERM')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Resident memory of a process, MiB. Linux only: elsewhere NaN. */
export const residentMiB = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

const isReady = async (origin: string): Promise<boolean> => {
  try {
    const response = await fetch(`${origin}/readyz`)
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
