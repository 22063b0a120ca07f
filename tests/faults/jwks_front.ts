// Stands where an authority does, and lies: about what was asked for at some paths, as long as it is told to. All else it passes on.

import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Lie = (incoming: IncomingMessage, outgoing: ServerResponse) => void

export type Front = {
  origin: string
  /** By what the path ends with. */
  lies: Map<string, Lie>
  /** How often each path was asked for. */
  asked: Map<string, number>
  /** How often it lied. */
  lied: number
  /** Ends every connection. */
  cut(): void
  stop(): Promise<void>
}

/** @param authority its origin */
export async function startFront(authority: string): Promise<Front> {
  const lies = new Map<string, Lie>()
  const asked = new Map<string, number>()
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?')[0] ?? ''
    const end = `/${path.split('/').at(-1)}`
    asked.set(end, (asked.get(end) ?? 0) + 1)
    outgoing.on('error', () => {})
    const lie = [...lies].find(([name]) => path.includes(name))?.[1]
    if (lie) {
      front.lied += 1
      return lie(incoming, outgoing)
    }
    const { host: _, ...headers } = incoming.headers
    const onward = request(`${authority}${incoming.url}`, { method: incoming.method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('error', () => outgoing.destroy())
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const front: Front = {
    origin: `http://localhost:${port}`,
    lies,
    asked,
    lied: 0,
    cut: () => server.closeAllConnections(),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return front
}

/** Answers with this text, as this. */
export function says(text: string, type = 'application/json', status = 200): Lie {
  return (_incoming, outgoing) => void outgoing.writeHead(status, { 'content-type': type }).end(text)
}

export function sendsElsewhere(url: string, status = 307): Lie {
  return (_incoming, outgoing) => void outgoing.writeHead(status, { location: url }).end()
}

/** Goes on for ever with this, as fast as it is taken. @param took told of each so many bytes. */
export function neverEnds(text: string, type: string, took: (bytes: number) => void): Lie {
  return (_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': type })
    const more = () => {
      while (!outgoing.destroyed) {
        took(text.length)
        if (!outgoing.write(text)) return void outgoing.once('drain', more)
      }
    }
    more()
  }
}

/** The same, a little now and then. */
export function goesOn(text: string, type: string): Lie {
  return (_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': type })
    const timer = setInterval(() => outgoing.write(text), 20)
    outgoing.on('close', () => clearInterval(timer))
  }
}

/** Says nothing, or nothing more, and keeps the connection. */
export function keepsSilent(first?: string): Lie {
  return (_incoming, outgoing) => {
    if (first !== undefined) outgoing.writeHead(200, { 'content-type': 'application/json' }).write(first)
  }
}
