export { createLogger } from './logger.ts'
export { openTelemetry, silentTelemetry } from './open_telemetry.ts'
export type { LogFields, Logger, Telemetry } from './telemetry.ts'
export { newSpanId, readTraceContext, type TraceContext, writeTraceparent } from './trace_context.ts'
