import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { network } from './address.ts'

/**
 * Keeps no more connections open than may be. One too many costs the address with the most the one on which nothing has been worked
 * on for longest: whoever opens connections and leaves them, sends slowly or does not read keeps nobody out (P9). Those that are
 * worked on, streams above all, stay; when there are only such, it is the new one that goes.
 */
export class Connections {
  readonly #most: number
  /** By address, the one longest unused first. */
  readonly #open = new Map<string, Set<Socket>>()
  readonly #addresses = new WeakMap<Socket, string>()
  /** The last request of each, while it is not answered. */
  readonly #answering = new WeakMap<Socket, ServerResponse>()
  #count = 0

  constructor(most: number) {
    this.#most = most
  }

  opened(socket: Socket): void {
    if (this.#count >= this.#most && !this.#closeOne()) {
      socket.destroy()
      return
    }
    const address = network(socket.remoteAddress ?? 'unknown')
    const own = this.#open.get(address) ?? new Set()
    this.#open.set(address, own.add(socket))
    this.#addresses.set(socket, address)
    this.#count += 1
    socket.once('close', () => this.#closed(socket))
  }

  /** A request has come over it. */
  used(socket: Socket, answer: ServerResponse): void {
    this.#answering.set(socket, answer)
    const own = this.#open.get(this.#addresses.get(socket) ?? '')
    if (own?.delete(socket)) own.add(socket)
  }

  #closeOne(): boolean {
    let most = 0
    let goes: Socket | undefined
    for (const own of this.#open.values()) {
      const idle = own.size > most ? this.#firstIdle(own) : undefined
      if (!idle) continue
      most = own.size
      goes = idle
    }
    if (!goes) return false
    goes.destroy()
    this.#closed(goes)
    return true
  }

  #firstIdle(own: ReadonlySet<Socket>): Socket | undefined {
    for (const socket of own) {
      // What is written and not read by now is nobody's work any more.
      if (this.#answering.get(socket)?.writableEnded !== false) return socket
    }
    return undefined
  }

  #closed(socket: Socket): void {
    const address = this.#addresses.get(socket) ?? ''
    const own = this.#open.get(address)
    if (!own?.delete(socket)) return
    this.#count -= 1
    if (own.size === 0) this.#open.delete(address)
  }
}
