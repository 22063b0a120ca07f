import { isBehind, type Place } from './rollback.ts'

/** Of an organization whose place was never read here, the incarnation is not known. */
type Known = { seq: number; incarnation?: number }

const most = 10_000

/** How far each organization's feed had certainly come, as this process knows it. It may forget; it is never wrong. */
export class KnownPlaces {
  /** Those looked at longest ago first. */
  readonly #known = new Map<string, Known>()

  /** A fact with this number was committed. */
  committed(organization: string, seq: number): void {
    const known = this.#known.get(organization)
    if (!known || known.seq < seq) this.#keep(organization, { ...known, seq })
  }

  read(organization: string, place: Place): void {
    const known = this.#known.get(organization)
    if (!known || !isBehind(place, placeBeside(known, place))) this.#keep(organization, place)
  }

  /** The next to be looked at, once each. */
  next(count: number): string[] {
    return [...this.#known.keys()].slice(0, count)
  }

  /** What is known, for a store that stands at `head`. */
  beside(organization: string, head: Place): Place {
    const known = this.#known.get(organization)
    return known ? placeBeside(known, head) : head
  }

  /** Looked at: its turn comes after the others'. */
  looked(organization: string): void {
    const known = this.#known.get(organization)
    if (known) this.#keep(organization, known)
  }

  #keep(organization: string, known: Known): void {
    this.#known.delete(organization)
    if (this.#known.size >= most) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(organization, known)
  }
}

function placeBeside({ seq, incarnation }: Known, head: Place): Place {
  return { seq, incarnation: incarnation ?? head.incarnation }
}
