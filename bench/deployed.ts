import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { newWrappingKey } from '@credence/authority'

/** Compiles the packages, which is what is deployed: from their sources they need a compiler in memory. */
export const build = (): void => {
  const { status } = spawnSync(process.execPath, ['tools/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error('the packages could not be built')
}

/** An authority as an operator runs it: `credence start`, built (`build`), in a process of its own, with a store that outlives it. */
export type Deployed = {
  origin: string
  directory: string
  /** Of the database, as `CREDENCE_STORE` names it. */
  store: string
  wrappingKeys: string
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
 * @param directory where the store is, or is put; a new one, unless it is said
 */
export const deploy = async (
  options: {
    store?: string
    environment?: Record<string, string>
    directory?: string | undefined
    flags?: string[]
  } = {},
): Promise<Deployed> => {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'credence-bench-'))
  mkdirSync(directory, { recursive: true })
  const free = await freePort()
  const store = options.store ?? `sqlite:${join(directory, 'credence.db')}`
  // The issuer has it in it, for ever.
  const port = Number(kept(join(directory, 'port'), () => `${free}`))
  const origin = `http://localhost:${port}`
  const wrappingKeys = kept(join(directory, 'wrapping-keys'), () => newWrappingKey())
  const environment = {
    ...process.env,
    CREDENCE_ORIGIN: origin,
    CREDENCE_PORT: `${port}`,
    CREDENCE_DOMAIN: 'credence.example',
    CREDENCE_WRAPPING_KEYS: wrappingKeys,
    CREDENCE_STORE: store,
    CREDENCE_DIRECTORY: directory,
    CREDENCE_LOG_LEVEL: 'error',
    ...options.environment,
  }
  const command = [...(options.flags ?? []), 'packages/cli/dist/main.js', 'start']
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
    wrappingKeys,
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

/** Processor time a process has used, all its threads, milliseconds. Linux only: elsewhere NaN. */
export const cpuMs = (pid: number): number => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    // In hundredths of a second, whatever the machine (proc(5)).
    return (Number(fields[11]) + Number(fields[12])) * 10
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

/** What the file holds; what is made, when there is none. */
export const kept = (file: string, make: () => string): string => {
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
