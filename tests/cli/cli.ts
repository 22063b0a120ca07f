// The real command line for tests: its own process, the pinned Node, an environment without anybody's settings.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const words = ['--conditions=@credence/source', join(root, 'packages/cli/src/main.ts')]

export type Ran = { code: number | null; out: string; err: string }

export type Running = {
  /** Resolves when the text has been printed; fails when the process ends before. */
  printed(text: string): Promise<void>
  signal(name: NodeJS.Signals): void
  /** When it has ended. */
  ended: Promise<Ran>
}

export type Place = {
  /** Its directory, where commands run: gone after the tests. */
  directory: string
  start(words: readonly string[], more?: { env?: Record<string, string>; input?: string }): Running
  run(words: readonly string[], more?: { env?: Record<string, string>; input?: string }): Promise<Ran>
  /** Runs with --json and gives what it printed; fails with what it said otherwise. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of an answer is what it tests.
  json(...words: string[]): Promise<any>
  read(file: string): string
  /** Ends whatever still runs, and removes everything. */
  remove(): Promise<void>
}

export function newPlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'credence-cli-'))
  const children = new Set<ChildProcess>()
  const place: Place = {
    directory,
    start: (given, { env = {}, input = '' } = {}) => {
      const child = spawn(process.execPath, [...words, ...given], {
        cwd: directory,
        env: { ...cleanEnvironment(), ...env },
      })
      children.add(child)
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
      return running(child)
    },
    run: (given, more) => place.start(given, more).ended,
    json: async (...given) => {
      const { code, out, err } = await place.run([...given, '--json'])
      if (code !== 0) throw new Error(`credence ${given.join(' ')}: exit code ${code}\n${err}`)
      return JSON.parse(out)
    },
    read: (file) => readFileSync(join(directory, file), 'utf8'),
    remove: async () => {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return place
}

/** A dev authority that is up in this place, found by the commands that run there. */
export async function startDev(place: Place): Promise<Running> {
  const running = place.start(['dev', '--no-life', '--port', '0'])
  await running.printed('Ctrl-C stops it.')
  if (!existsSync(join(place.directory, '.credence/cli.json'))) throw new Error('dev left no profile')
  return running
}

function running(child: ChildProcess): Running {
  let out = ''
  let err = ''
  const heard = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const listener of heard) listener()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return {
    ended,
    signal: (name) => void child.kill(name),
    printed: async (text) => {
      const seen = new Promise<void>((resolve) => {
        const look = (): void => {
          if (out.includes(text)) resolve()
        }
        heard.add(look)
        look()
      })
      const gone = ended.then(({ code }) => {
        throw new Error(`it ended with ${code} before it printed "${text}"\n${out}\n${err}`)
      })
      gone.catch(() => undefined)
      await Promise.race([seen, gone])
    },
  }
}

/** HOME is elsewhere too, so that nobody's own profile is found. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^CREDENCE_|^NODE_OPTIONS$|^VITEST/.test(name))
  return { ...Object.fromEntries(kept), HOME: '/nonexistent' }
}
