import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEvents, type ServerEvent } from './event_stream.ts'

async function read(chunks: readonly Uint8Array[], maxEventBytes = 1000): Promise<ServerEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
  const events: ServerEvent[] = []
  for await (const event of readEvents(body, { maxEventBytes })) events.push(event)
  return events
}

const bytes = (text: string) => new TextEncoder().encode(text)

test('fields, comments, several data lines and all three line ends are read as the standard says', async () => {
  const text =
    'retry: 500\r\n\r\n: hello\nevent: batch\rid: 7\rdata: ä\r\rdata:one\ndata:  two\n\nevent: nothing\n\ndata: cut off'
  expect(await read([bytes(text)])).toEqual([
    { event: 'batch', data: 'ä', id: '7' },
    { event: 'message', data: 'one\n two', id: '7' },
  ])
})

test('however the bytes are cut, the events are the same', async () => {
  const text = bytes('event: batch\r\nid: 1\r\ndata: größer\r\n\r\n:\r\ndata: x\n\nevent: batch\rdata: y\r\r')
  const whole = await read([text])
  expect(whole).toHaveLength(3)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: text.length })), async (cuts) => {
      const places = [0, ...cuts.sort((one, other) => one - other), text.length]
      const chunks = places.slice(1).map((end, index) => text.slice(places[index], end))
      expect(await read(chunks)).toEqual(whole)
    }),
    { numRuns: 300 },
  )
})

test('an event that grows without end is not kept', async () => {
  await expect(read([bytes(`data: ${'a'.repeat(2000)}`)])).rejects.toThrow()
  await expect(read(Array.from({ length: 300 }, () => bytes('data: aaaa\n')))).rejects.toThrow()
})
