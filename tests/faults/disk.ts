// A disk of a few megabytes, that can be filled and emptied while somebody writes to it. Linux: a mount namespace of its own.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type SmallDisk = {
  /** Where it lies, for what is started `through` it. */
  directory: string
  /** What a command must be started through to see it. */
  through: readonly string[]
  /** Takes all the room there is but for `left` bytes. */
  fill(left?: number): void
  /** Gives it back. */
  empty(): void
  /** Bytes of a file on it. */
  size(name: string): number
  /** Ends it, and what lies on it. */
  remove(): Promise<void>
}

/** Nobody but root mounts anything, except in a user namespace of their own. */
const own = process.getuid?.() === 0 ? ['-m'] : ['-m', '-U', '-r']
const enter = process.getuid?.() === 0 ? ['-m'] : ['-m', '-U', '--preserve-credentials']

/** Why there is no such disk here, for `context.skip(reason)`. */
export function smallDiskMissing(): string | undefined {
  const works = spawnSync('unshare', [...own, 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  return works.status === 0 ? undefined : 'no small disk can be mounted here (unshare, mount)'
}

export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const directory = mkdtempSync(join(tmpdir(), 'credence-disk-'))
  // It lives as long as its input is open: this process need not end well for the disk to go.
  const script = `mount -t tmpfs -o size=${megabytes}m,mode=0700 none "$0" && echo mounted && exec cat`
  const holder = spawn('unshare', [...own, 'sh', '-c', script, directory], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (!(await Promise.race([once(holder.stdout, 'data').then(() => true), once(holder, 'close').then(() => false)]))) {
    throw new Error('the disk could not be mounted')
  }
  const seen = join(`/proc/${holder.pid}/root`, directory)
  const filler = join(seen, 'filler')
  return {
    directory,
    through: ['nsenter', '-t', `${holder.pid}`, ...enter, '--'],
    fill(left = 0) {
      const { bavail, bsize } = statfsSync(seen)
      fillWith(filler, bavail * bsize - left)
    },
    empty: () => rmSync(filler, { force: true }),
    size: (name) => statSync(join(seen, name)).size,
    remove: () => remove(holder, directory),
  }
}

function fillWith(path: string, bytes: number): void {
  const file = openSync(path, 'a')
  try {
    const chunk = Buffer.alloc(65_536)
    for (let left = bytes; left > 0; left -= chunk.length) writeSync(file, chunk, 0, Math.min(left, chunk.length))
  } catch (error) {
    // Somebody else took the last of it.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    closeSync(file)
  }
}

async function remove(holder: ChildProcess, directory: string): Promise<void> {
  const gone = once(holder, 'close')
  holder.stdin?.end()
  await gone
  rmSync(directory, { recursive: true, force: true })
}
