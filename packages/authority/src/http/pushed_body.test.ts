import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { answerEvents } from './answer.ts'
import { PushedBody, shared } from './pushed_body.ts'
import { write } from './write.ts'

test('one stream after another over one connection leaves nothing on it, and each says all of its own', async () => {
  const sockets = new Set<Socket>()
  const listeners: number[] = []
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    sockets.add(incoming.socket)
    listeners.push(incoming.socket.listenerCount('drain'))
    turn += 1
    const body = new PushedBody({ maxBufferedBytes: 1_000, onClosed() {} })
    body.push(shared(`early ${turn};`))
    write(answerEvents(body), incoming, outgoing)
    body.push(shared(`late ${turn};`))
    body.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { port } = server.address() as AddressInfo
  for (const n of [1, 2, 3]) {
    const [response] = (await once(get({ port, host: '127.0.0.1', agent }), 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe(`early ${n};late ${n};`)
  }
  expect(sockets.size).toBe(1)
  expect(new Set(listeners).size).toBe(1)
  agent.destroy()
  server.close()
})
