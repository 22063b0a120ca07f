import { randomFillSync } from 'node:crypto'

/** W3C Trace Context: the trace a request belongs to, and the span that called. */
export type TraceContext = {
  /** 32 lower-case hex digits, not all zero. */
  traceId: string
  /** 16 lower-case hex digits, not all zero; absent when the trace begins here. */
  parentId?: string
  sampled: boolean
}

const version00 = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Reads `traceparent`; one that is absent or does not follow the specification begins a new trace. */
export function readTraceContext(headers: Pick<Headers, 'get'>): TraceContext {
  const [, version, traceId, parentId, flags, rest] = version00.exec(headers.get('traceparent') ?? '') ?? []
  // §3.2.2: ff is no version; version 00 ends after the flags, later ones may go on.
  const valid = traceId && parentId && flags && version !== 'ff' && !(version === '00' && rest !== undefined)
  if (!valid || /^0+$/.test(traceId) || /^0+$/.test(parentId)) return { traceId: newTraceId(), sampled: false }
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The `traceparent` of a request made on behalf of this trace, from the span `spanId`. */
export function writeTraceparent({ traceId, sampled }: TraceContext, spanId: string): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

function newTraceId(): string {
  return randomHex(16)
}

export function newSpanId(): string {
  return randomHex(8)
}

// Drawn in advance: these ids are made for every request and protect nothing.
const pool = Buffer.alloc(4_096)
let used = pool.length

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}
