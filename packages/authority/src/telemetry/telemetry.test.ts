import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Refusal, refuse } from '@credence/protocol'
import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'
import { openTelemetry } from './open_telemetry.ts'
import { readTraceContext, writeTraceparent } from './trace_context.ts'

const of = (traceparent: string) => readTraceContext(new Headers({ traceparent }))

test('a trace is taken over as the specification says', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  expect(of(`00-${traceId}-00f067aa0ba902b7-01`)).toEqual({ traceId, parentId: '00f067aa0ba902b7', sampled: true })
  expect(of(`00-${traceId}-00f067aa0ba902b7-00`).sampled).toBe(false)
  expect(of(`cc-${traceId}-00f067aa0ba902b7-01-what-the-future-brings`).traceId).toBe(traceId)
  expect(writeTraceparent({ traceId, sampled: true }, '00f067aa0ba902b7')).toBe(`00-${traceId}-00f067aa0ba902b7-01`)
})

test.each([
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more',
  'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
  '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7',
  'nonsense',
])('%s begins a new trace', (traceparent) => {
  const { traceId, parentId } = of(traceparent)
  expect(traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
  expect(traceId).not.toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  expect(parentId).toBeUndefined()
})

function logged(fields: Record<string, unknown>) {
  const lines: string[] = []
  createLogger('info', { write: (line: string) => void lines.push(line) }).info(fields, 'it happened')
  expect(lines).toHaveLength(1)
  expect(lines[0]?.indexOf('\n')).toBe((lines[0]?.length ?? 0) - 1)
  return lines[0] ?? ''
}

test('one event is one line, whatever is in it', () => {
  const line = logged({ text: 'a\r\nb\u001b[31m\u202ec\u0000\u2028', long: 'x'.repeat(5_000) })
  expect(line).not.toMatch(/[^\P{Cc}\n]|[\u202e\u2028]|\\u001b|\\r|\\n/u)
  expect(line.length).toBeLessThan(1_500)
})

test('an error of a parser is logged without what it was given', () => {
  const failures = ['JSON.parse("canary")', 'new URL("canary")', 'decodeURIComponent("%canary")'].map((code) => {
    try {
      return new Function(code)()
    } catch (error) {
      return error as Error
    }
  })
  for (const err of failures)
    expect(logged({ err: new Refusal('internal_error', { cause: err }) })).not.toContain('canary')
  expect(logged({ err: new Refusal('internal_error', { cause: failures[0] }) })).toContain('SyntaxError')
})

test('traces and metrics reach an OTLP endpoint, in the trace of the caller, and name refusals', async () => {
  const bodies: Record<string, string> = {}
  const collector = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    bodies[request.url ?? ''] = Buffer.concat(chunks).toString()
    response.end('{}')
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as AddressInfo
  const telemetry = await openTelemetry(`http://127.0.0.1:${port}/`, {})
  const trace = of('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')
  const request = telemetry.request('POST /token', trace, {}, () =>
    telemetry.span('sign', {}, async () => refuse('proof_missing')),
  )
  await expect(request).rejects.toMatchObject({ code: 'proof_missing' })
  telemetry.count('tokens', { grant: 'exchange' })
  telemetry.duration('http.server.request.duration', 3)
  await telemetry.stop()
  collector.close()

  const { scopeSpans } = JSON.parse(bodies['/v1/traces'] ?? '{}').resourceSpans[0]
  const spans: Array<Record<string, unknown>> = scopeSpans.flatMap(({ spans }: { spans: object[] }) => spans)
  const [outer, inner] = ['POST /token', 'sign'].map((name) => spans.find((span) => span.name === name))
  expect(outer).toMatchObject({ traceId: trace.traceId, parentSpanId: '00f067aa0ba902b7' })
  expect(inner).toMatchObject({ traceId: trace.traceId, parentSpanId: outer?.spanId })
  expect(JSON.stringify(outer)).toContain('proof_missing')
  expect(bodies['/v1/metrics']).toContain('http.server.request.duration')
})
