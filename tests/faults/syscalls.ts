// One system call of the authority's made to fail, or to be its last, and what is left looked at. By `strace`, on Linux.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chance } from './chance.ts'

/**
 * Calls that write, or make what is written last. Of files only those of the data directory are counted and hit; of the others
 * (`network`) all that any thread makes.
 */
export const calls = {
  files: [
    'openat',
    'write',
    'pwrite64',
    'pwritev',
    'fsync',
    'fdatasync',
    'ftruncate',
    'fallocate',
    'rename',
    'renameat',
    'renameat2',
    'link',
    'linkat',
    'unlink',
    'unlinkat',
    'mkdir',
    'mkdirat',
    'chmod',
    'fchmodat',
    'close',
  ],
  network: ['write', 'writev', 'sendto', 'sendmsg', 'shutdown'],
} as const

export type Where = keyof typeof calls

/** `at`: which of these calls of a thread, from 1. */
export type Injection = { where: Where; call: string; at: number; what: 'KILL' | 'EIO' | 'ENOSPC' }

export const say = ({ where, call, at, what }: Injection): string => `${what} at ${call} ${at} (${where})`

/** Why system calls cannot be made to fail here, for `context.skip(reason)`. */
export function straceMissing(): string | undefined {
  const killed = ['-e', 'trace=close', '-e', 'inject=close:signal=KILL:when=1']
  const works = spawnSync('strace', ['-f', '-D', '-o', '/dev/null', ...killed, 'true'])
  return works.signal === 'SIGKILL' ? undefined : 'strace is not here, or may not trace'
}

const own = ['credence.db', 'installation-administrator'].flatMap((name) =>
  ['', '-wal', '-shm', '-journal', '.lock', '.lock-journal', '.new'].map((end) => `${name}${end}`),
)

type Traced = { directory: string; where: Where; traced: readonly string[]; files?: readonly string[] | undefined }

/** What the authority is started through: the tracer is its grandchild, so that the authority stays the child. */
function strace({ directory, where, traced, files }: Traced, more: readonly string[]): string[] {
  const everything = [directory, ...own.map((name) => join(directory, name))]
  const paths = where === 'network' ? [] : (files?.map((name) => join(directory, name)) ?? everything)
  const only = paths.flatMap((path) => ['-P', path])
  return ['strace', '-D', '-f', '-qqq', '-e', 'signal=none', ...only, '-e', `trace=${traced}`, ...more]
}

export function counting(directory: string, where: Where): string[] {
  return strace({ directory, where, traced: calls[where] }, ['--seccomp-bpf', '-o', join(directory, `${where}.trace`)])
}

/** @param files the only ones whose calls are counted and hit; of the data directory. */
export function injecting(directory: string, injection: Injection, files?: readonly string[]): string[] {
  const { where, call, at, what } = injection
  // Where only the calls of interest stop, strace sends no signal.
  const [fault, fast] = what === 'KILL' ? ['signal=KILL', []] : [`error=${what}`, ['--seccomp-bpf']]
  const inject = ['-o', '/dev/null', '-e', `inject=${call}:${fault}:when=${at}`]
  return strace({ directory, where, traced: call.split(','), files }, [...fast, ...inject])
}

/** How often each call was made by the thread that made it most. */
export function counted(directory: string, where: Where): Map<string, number> {
  const byThread = new Map<string, number>()
  for (const line of readFileSync(join(directory, `${where}.trace`), 'utf8').split('\n')) {
    const [, thread, call] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? []
    if (call) byThread.set(`${call} ${thread}`, (byThread.get(`${call} ${thread}`) ?? 0) + 1)
  }
  const most = new Map<string, number>()
  for (const [name, count] of byThread) {
    const [call = ''] = name.split(' ')
    most.set(call, Math.max(count, most.get(call) ?? 0))
  }
  return most
}

/** Every place where a fault can be, given how often each call is made. */
export function everyInjection(where: Where, most: ReadonlyMap<string, number>): Injection[] {
  return [...most].flatMap(([call, count]) =>
    faults.flatMap((what) => Array.from({ length: count }, (_, index) => ({ where, call, at: index + 1, what }))),
  )
}

const faults = ['KILL', 'EIO', 'ENOSPC'] as const

/** About how often a start and a script make each call, for whoever cannot wait to count. */
const usual: Readonly<Record<Where, Readonly<Record<string, number>>>> = {
  files: {
    openat: 12,
    write: 1,
    pwrite64: 180,
    fsync: 12,
    ftruncate: 2,
    link: 1,
    unlink: 4,
    mkdir: 3,
    chmod: 2,
    close: 8,
  },
  network: { write: 18, writev: 10, sendto: 4 },
}

/** One place, each kind of call as likely as any other. It may be beyond the last call: then nothing happens. */
export function drawInjection(where: Where, chance: Chance): Injection {
  const [call, count] = chance.pick(Object.entries(usual[where]))
  return { where, call, at: 1 + Math.floor(chance.next() * count), what: chance.pick(faults) }
}
