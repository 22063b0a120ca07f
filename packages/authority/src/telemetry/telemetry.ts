import type { Attributes } from '@opentelemetry/api'
import type { TraceContext } from './trace_context.ts'

/**
 * Structured log lines. Fields are JSON-escaped; never pass a body, a query, a header or a credential. An error goes whole into
 * `err`, never as its message: the logger knows what of it may be kept.
 */
export type Logger = {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export type LogFields = Record<string, unknown>

/** Traces and metrics, through the OpenTelemetry API: free when no exporter is configured. */
export type Telemetry = {
  /** Runs one request in a span below the caller's; `work` gets the id of that span. */
  request<T>(
    name: string,
    trace: TraceContext,
    attributes: Attributes,
    work: (spanId: string) => Promise<T>,
  ): Promise<T>
  /** Runs `work` in a span below the current one. A refusal marks the span with its code. */
  span<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>
  /** Adds to a counter. Attribute values must come from small closed sets. */
  count(name: string, attributes?: Attributes, by?: number): void
  /** Records a duration in milliseconds. */
  duration(name: string, ms: number, attributes?: Attributes): void
  /** Sends what is still held. */
  stop(): Promise<void>
}
