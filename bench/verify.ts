import { type Measured, race } from './race.ts'
import { type Figure, figure, ratios, type Wanted } from './report.ts'
import { contestantsOf, DEPTHS, names, verifiersOf } from './verify_contestants.ts'
import { startWorld } from './world.ts'

/** What is said of the contestants: one's rate, its cost, or one's rate beside another's in the same round. */
type Row = { name: string; needs: string[]; make(of: (name: string) => Measured): Figure }

/**
 * Verifications per second in one process with 32 calls in flight, and what each costs of all its threads, beside peers and beside the bare
 * signature checks of the very same tokens and keys.
 */
export const measureVerification = async (wanted: Wanted): Promise<Figure[]> => {
  const asked = rows.filter(({ name }) => wanted(name))
  if (asked.length === 0) return []
  const needed = new Set(asked.flatMap(({ needs }) => needs))
  const world = await startWorld()
  const verifiers = verifiersOf(world)
  const ready = () => Promise.all(Object.values(verifiers).map((each) => each.ready()))
  try {
    await ready()
    // A verifier that has just started asks for a nonce in each proof until none from before its start can pass.
    await new Promise((resolve) => setTimeout(resolve, 7000))
    const contestants = await contestantsOf(world, verifiers)
    const chosen = contestants.filter(({ name }) => needed.has(name))
    const measured = await race(chosen, ready)
    return asked.map(({ make }) => make((name) => measured.get(name) as Measured))
  } finally {
    await Promise.all(Object.values(verifiers).map((each) => each.stop()))
    await world.stop()
  }
}

const rate = (name: string, goal?: Parameters<typeof figure>[3]): Row => ({
  name: `verifications, ${name}`,
  needs: [name],
  make: (of) => figure(`verifications, ${name}`, '/s', of(name).perSecond, goal),
})

const cost = (name: string): Row => ({
  name: `CPU per verification, ${name}`,
  needs: [name],
  make: (of) => figure(`CPU per verification, ${name}`, 'µs', of(name).cpu),
})

/** How many times longer than the bare checks it takes, round by round. */
const timesBare = (name: string, bareName: string): Row => {
  const row = `${name}, time over that of its own signature checks`
  const goal = { says: 'at most 1.2', holds: (value: number) => value <= 1.2 }
  return {
    name: row,
    needs: [name, bareName],
    make: (of) => figure(row, 'x', ratios(of(bareName).perSecond, of(name).perSecond), goal),
  }
}

/** How many times the rate of a peer that does the same. */
const beside = (name: string, peer: string): Row => {
  const row = `${name}, times the rate of ${peer}`
  const goal = { says: 'more than 1', holds: (value: number) => value > 1 }
  return {
    name: row,
    needs: [name, peer],
    make: (of) => figure(row, 'x', ratios(of(name).perSecond, of(peer).perSecond), goal),
  }
}

const shareOfBare = (name: string, bareName: string): Row => {
  const row = `${name}, share of the rate of its bare signature check`
  const goal = { says: 'at least 80 %', holds: (value: number) => value >= 80 }
  const percent = (of: (name: string) => Measured) => ratios(of(name).perSecond, of(bareName).perSecond)
  return {
    name: row,
    needs: [name, bareName],
    make: (of) =>
      figure(
        row,
        '%',
        percent(of).map((share) => share * 100),
        goal,
      ),
  }
}

const rows: readonly Row[] = [
  rate(names.bare),
  cost(names.bare),
  rate(names.cold),
  cost(names.cold),
  timesBare(names.cold, names.bare),
  rate(names.jose),
  cost(names.jose),
  beside(names.cold, names.jose),
  rate(names.fastJwtCold),
  cost(names.fastJwtCold),
  beside(names.cold, names.fastJwtCold),
  ...DEPTHS.flatMap((depth) => [
    rate(names.coldAt(depth)),
    timesBare(names.coldAt(depth), names.bareAt(depth)),
    rate(names.provenChain(depth)),
    timesBare(names.provenChain(depth), names.bareChain(depth)),
  ]),
  rate(names.warm, { says: 'above 200,000', holds: (value) => value > 200_000 }),
  rate(names.fastJwtWarm),
  beside(names.warm, names.fastJwtWarm),
  rate(names.bareProof),
  cost(names.bareProof),
  rate(names.proven),
  cost(names.proven),
  shareOfBare(names.proven, names.bareProof),
  rate(names.express),
  rate(names.expressCold),
  rate(names.expressPeer),
  beside(names.express, names.expressPeer),
  beside(names.expressCold, names.expressPeer),
  rate(names.expressProven),
  rate(names.expressPeerProven),
  beside(names.expressProven, names.expressPeerProven),
]
