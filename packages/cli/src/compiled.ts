import { existsSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps what Node compiles, for the next command: most of what a short one does is compile. In its user's own folder, since what
 * lies there is run. Where that cannot be, commands are slower and nothing else.
 */
export function keepCompiled(environment: NodeJS.ProcessEnv): void {
  const { XDG_CACHE_HOME: caches, NODE_COMPILE_CACHE: already } = environment
  if (already) return
  try {
    // One at a time: making a whole path goes on for ever where none can be made, as below /proc.
    const folder = made(join(caches || made(join(homedir(), '.cache')), 'credence'))
    enableCompileCache(folder)
    // For threads too: from sources, each that finds nothing kept loads a compiler of 20 MB, and keeps it.
    environment.NODE_COMPILE_CACHE = folder
  } catch {
    // Slower.
  }
}

function made(folder: string): string {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 })
  return folder
}
