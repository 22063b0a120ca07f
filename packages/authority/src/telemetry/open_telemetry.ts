import { AsyncLocalStorage } from 'node:async_hooks'
import { asRefusal } from '@credence/protocol'
import {
  type Attributes,
  type Context,
  type Counter,
  type Histogram,
  type Meter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Telemetry } from './telemetry.ts'
import { newSpanId } from './trace_context.ts'

/** What runs when nothing is exported: the work, and nothing else. */
export const silentTelemetry: Telemetry = {
  request: (_name, _trace, _attributes, work) => work(newSpanId()),
  span: (_name, _attributes, work) => work(),
  count() {},
  duration() {},
  stop: async () => {},
}

/**
 * Traces and metrics to an OTLP endpoint. The exporters are loaded only here, so that an authority without an endpoint never
 * pays for them. Providers belong to this object, not to the process.
 */
export async function openTelemetry(endpoint: string, attributes: Attributes): Promise<Telemetry> {
  const [tracing, metrics, resources, traceExporter, metricExporter] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
  ])
  const base = endpoint.replace(/\/+$/, '')
  const resource = resources.resourceFromAttributes({ 'service.name': 'credence', ...attributes })
  const traces = new tracing.TracerProvider({
    resource,
    spanProcessors: [
      new tracing.BatchSpanProcessor({
        exporter: new traceExporter.OTLPTraceExporter({ url: `${base}/v1/traces` }),
      }),
    ],
  })
  const meters = new metrics.MeterProvider({
    resource,
    readers: [
      new metrics.PeriodicExportingMetricReader({
        exporter: new metricExporter.OTLPMetricExporter({ url: `${base}/v1/metrics` }),
      }),
    ],
  })
  const stop = async () => {
    // An endpoint that is away must not keep the authority from stopping.
    await Promise.allSettled([traces.shutdown(), meters.shutdown()])
  }
  return over(traces.getTracer('credence'), meters.getMeter('credence'), stop)
}

/** Telemetry over a tracer and a meter of the OpenTelemetry API. */
export function over(tracer: Tracer, meter: Meter, stop: () => Promise<void>): Telemetry {
  const current = new AsyncLocalStorage<Context>()
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()

  const within = async <T>(
    name: string,
    options: { kind: SpanKind; attributes: Attributes },
    parent: Context,
    work: (spanId: string) => Promise<T>,
  ): Promise<T> => {
    const span = tracer.startSpan(name, options, parent)
    try {
      return await current.run(trace.setSpan(parent, span), () => work(span.spanContext().spanId))
    } catch (error) {
      const { code, status } = asRefusal(error)
      span.setAttribute('credence.refusal', code)
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  return {
    request(name, { traceId, parentId, sampled }, attributes, work) {
      const caller = {
        traceId,
        spanId: parentId ?? newSpanId(),
        traceFlags: sampled || parentId === undefined ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      }
      const parent = trace.setSpanContext(ROOT_CONTEXT, caller)
      return within(name, { kind: SpanKind.SERVER, attributes }, parent, work)
    },
    span: (name, attributes, work) =>
      within(name, { kind: SpanKind.INTERNAL, attributes }, current.getStore() ?? ROOT_CONTEXT, work),
    count(name, attributes = {}, by = 1) {
      let counter = counters.get(name)
      if (!counter) {
        counter = meter.createCounter(name)
        counters.set(name, counter)
      }
      counter.add(by, attributes)
    },
    duration(name, ms, attributes = {}) {
      let histogram = histograms.get(name)
      if (!histogram) {
        histogram = meter.createHistogram(name, { unit: 'ms' })
        histograms.set(name, histogram)
      }
      histogram.record(ms, attributes)
    },
    stop,
  }
}
