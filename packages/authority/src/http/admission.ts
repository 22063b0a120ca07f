import { refuse } from '@credence/protocol'
import type { Clock } from '../services.ts'
import type { Room } from './endpoint.ts'
import { Turns } from './turns.ts'

/** How many requests may be in progress in a room beside the ordinary one, as a share of those that may be there. */
const besideShare = 0.25
/** The part of such a room that one address, or one organization, may fill. */
const ownShare = 0.25

/** `door`: where those wait to be known who will then enter the room of revocation. */
type Hall = Exclude<Room, 'none'> | 'door'

/** A place in a room. */
export type Place = {
  /** Leaves for a room where this organization has a share. Refuses `overloaded`, and then the old place is given back too. */
  move(room: Room, organization: string): void
  /** Gives it back; again does nothing. */
  leave(): void
}

/** Sheds what is more than the authority can do at once (P9): refuses `overloaded` rather than answer late. */
export class Admission {
  readonly #most: Readonly<Record<Hall, number>>
  readonly #ownMost: number
  readonly #inside: Record<Hall, number> = {
    ordinary: 0,
    feed: 0,
    acknowledgements: 0,
    withdrawal: 0,
    revocation: 0,
    door: 0,
  }
  /** By room and by whose share it is. */
  readonly #shares = new Map<string, number>()
  readonly #turns: Turns

  constructor({ concurrentRequests, clock }: { concurrentRequests: number; clock: Pick<Clock, 'monotonicMs'> }) {
    this.#turns = new Turns(clock)
    const beside = Math.max(16, Math.ceil(concurrentRequests * besideShare))
    this.#most = {
      ordinary: concurrentRequests,
      // As many at once as there are: thousands may come back, and one that is sent away costs nearly what one that is let in does.
      feed: Math.max(beside, concurrentRequests),
      acknowledgements: beside,
      withdrawal: beside,
      revocation: beside,
      door: beside,
    }
    this.#ownMost = Math.ceil(beside * ownShare)
  }

  /**
   * Takes a place for a request that has arrived whole. Nobody is in the room of revocation before it is known who calls: what
   * anybody can send fills the door alone, and from one address a part of it.
   */
  enter(room: Room, address: string): Place {
    if (room === 'none') return { move() {}, leave() {} }
    let leave = room === 'revocation' ? this.#take('door', address) : this.#take(room, undefined)
    return {
      move: (next, organization) => {
        leave()
        leave = next === 'none' ? () => {} : this.#take(next, organization)
      },
      leave: () => leave(),
    }
  }

  /** Seconds until somebody for whom a room had no place may find one. Enforcement points all come at once. */
  comeBackIn(room: Room): number {
    return room === 'feed' ? this.#turns.next() : 1
  }

  get inProgress(): number {
    return Object.values(this.#inside).reduce((sum, count) => sum + count, 0)
  }

  #take(hall: Hall, whose: string | undefined): () => void {
    const share = whose === undefined ? undefined : `${hall} ${whose}`
    const own = share === undefined ? 0 : (this.#shares.get(share) ?? 0)
    if (this.#inside[hall] >= this.#most[hall] || own >= this.#ownMost) refuse('overloaded')
    this.#inside[hall] += 1
    if (share !== undefined) this.#shares.set(share, own + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      this.#inside[hall] -= 1
      if (share !== undefined) this.#giveBack(share)
    }
  }

  #giveBack(share: string): void {
    const left = (this.#shares.get(share) ?? 0) - 1
    if (left > 0) this.#shares.set(share, left)
    else this.#shares.delete(share)
  }
}
