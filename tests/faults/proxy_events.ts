// What a network must not do to a stream and a broken one in between may: whole server-sent events lost, repeated, out of order.

import type { Chance } from './chance.ts'
import type { NetworkProxy, Passed } from './proxy.ts'

/** One event, alone, as an HTTP/1.1 server writes it (RFC 9112 §7.1). */
const oneEvent = /^[0-9a-f]+\r\nevent: batch\n[^\n]*\n[^\n]*\n\n\r\n$/

/** For the lane that goes down: shuffles while `proxy.shuffling`, and lets everything else through as it came. */
export function shuffleEvents(proxy: NetworkProxy, chance: Chance): () => (chunk: Buffer) => Passed {
  return () => {
    let kept: Buffer[] = []
    return (chunk) => {
      const before = kept
      kept = []
      if (!proxy.shuffling || !oneEvent.test(chunk.toString('latin1'))) return [...before, chunk]
      const fate = chance.next()
      if (fate < 0.25) return before
      if (fate < 0.5 && before.length === 0) {
        kept = [chunk]
        return []
      }
      // What was kept comes after what came later.
      return fate < 0.75 ? [chunk, ...before] : [chunk, ...before, chunk]
    }
  }
}
