// A group of processes that may have so much memory and no more (cgroups): above it the kernel kills.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type MemoryRoom = {
  /** What a command must be started through to have no more than this. */
  through: readonly string[]
  /** Bytes that it has, or has had at most. */
  inUse(): number
  peak(): number
  /** Bytes that it may have. */
  limit(bytes: number): void
  remove(): void
}

/** Of both versions of the kernel's interface: where groups lie, and what their files are called. */
const versions = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    inUse: 'memory.usage_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
  { root: '/sys/fs/cgroup', limit: 'memory.max', inUse: 'memory.current', peak: 'memory.peak' },
]

/** Undefined where this process may make no such group: without root, mostly. */
export function memoryRoom(bytes: number): MemoryRoom | undefined {
  for (const version of versions) {
    const group = join(version.root, `credence-test-${process.pid}-${Date.now()}`)
    try {
      mkdirSync(group)
    } catch {
      continue
    }
    const remove = () => rmdirSync(group)
    if (!existsSync(join(group, version.limit))) {
      remove()
      continue
    }
    const limit = (most: number) => writeFileSync(join(group, version.limit), `${Math.floor(most)}`)
    const read = (name: string) => Number(readFileSync(join(group, name), 'utf8'))
    limit(bytes)
    return {
      through: ['sh', '-c', `echo $$ > ${join(group, 'cgroup.procs')} && exec "$@"`, 'sh'],
      inUse: () => read(version.inUse),
      peak: () => read(version.peak),
      limit,
      remove,
    }
  }
  return undefined
}

export const memoryRoomMissing = 'no group with a memory limit can be made here (cgroups)'
