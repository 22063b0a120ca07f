import type { Chance } from '../faults/chance.ts'
import type { Mutation } from './mutate.ts'

/** A text that stands in JSON as it is, also one that is no JSON. */
class Raw {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const raws = [
  '1e400',
  '-0',
  '01',
  '1.0',
  '1E2',
  'NaN',
  '9007199254740993',
  '"\\ud800"',
  '"\\u0061"',
  '1e-7',
  '""',
  '+1',
]
const numbers = [0, 1, -1, 2, 8, 9, 60, 255, 256, 900, 1000, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 0.5, 1e21]

type Place = { holder: unknown[] | Record<string, unknown>; name: number | string; value: unknown }

/** The same JSON with something in it changed, written in one of the ways it can be written; undefined when it is no JSON. */
export function mutateJson(text: string, other: string, { chance, words }: Mutation): string | undefined {
  const document = parse(text)
  if (document === undefined) return undefined
  const places = placesIn(document)
  const place = chance.pick(places)
  const { holder, name, value } = place
  switch (Math.floor(chance.next() * 11)) {
    case 0:
      remove(place)
      break
    case 1:
    case 2:
      put(holder, name, draw(chance, words))
      break
    case 3:
      if (isObject(value)) put(value, chance.pick(words), draw(chance, words))
      else if (Array.isArray(value)) value.push(draw(chance, words))
      else put(holder, name, near(value, chance, words))
      break
    case 4:
      put(holder, name, chance.pick(placesIn(parse(other) ?? [null])).value)
      break
    case 5:
      put(holder, name, structuredClone(chance.pick(places).value))
      break
    case 6: {
      const to = chance.pick(places)
      if (isObject(to.value)) put(to.value, chance.pick(words), structuredClone(value))
      else if (Array.isArray(to.value)) to.value.push(structuredClone(value))
      break
    }
    case 7:
      if (Array.isArray(value)) value.push(...structuredClone(value).slice(0, 64))
      else put(holder, name, chance.next() < 0.5 ? [value] : { [chance.pick(words)]: value })
      break
    case 8:
      if (isObject(holder) && typeof name === 'string' && holder !== root(places)) {
        delete holder[name]
        put(holder, chance.pick(words), value)
      }
      break
    default:
      put(holder, name, near(value, chance, words))
  }
  return write((root(places) as { document: unknown }).document, chance, chance.next() < 0.3)
}

function root(places: readonly Place[]): unknown {
  return places[0]?.holder
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Every value of a document, itself first, with where it stands. */
function placesIn(document: unknown): Place[] {
  const places: Place[] = [{ holder: { document }, name: 'document', value: document }]
  // Grows while it is walked.
  for (const { value } of places) {
    if (places.length > 500) break
    if (Array.isArray(value))
      for (const [name, each] of value.entries()) places.push({ holder: value, name, value: each })
    else if (isObject(value))
      for (const name of Object.keys(value)) places.push({ holder: value, name, value: value[name] })
  }
  return places
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Raw)
}

function put(holder: unknown[] | Record<string, unknown>, name: number | string, value: unknown): void {
  // As a member of its own, `__proto__` included.
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true })
}

function remove({ holder, name }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else if (name !== 'document') delete holder[name]
}

function draw(chance: Chance, words: readonly string[]): unknown {
  switch (Math.floor(chance.next() * 9)) {
    case 0:
      return chance.pick([null, true, false, [], {}])
    case 1:
    case 2:
      return chance.pick(numbers)
    case 3:
      return new Raw(chance.pick(raws))
    case 4:
      return chance.pick(words).repeat(1 + Math.floor(chance.next() ** 4 * 200))
    case 5: {
      let nested: unknown = chance.pick(words)
      for (let depth = Math.floor(chance.next() * 20); depth > 0; depth--)
        nested = chance.next() < 0.5 ? [nested] : { [chance.pick(words)]: nested }
      return nested
    }
    default:
      return chance.pick(words)
  }
}

/** A value much like this one. */
function near(value: unknown, chance: Chance, words: readonly string[]): unknown {
  if (typeof value === 'number') return chance.pick([value + 1, value - 1, -value, value * 2, value / 2, value + 0.5])
  if (typeof value === 'boolean') return !value
  if (typeof value !== 'string') return draw(chance, words)
  const at = Math.floor(chance.next() * (value.length + 1))
  switch (Math.floor(chance.next() * 5)) {
    case 0:
      return value.slice(0, at) + value.slice(at + 1)
    case 1:
      return value.slice(0, at) + chance.pick(words) + value.slice(at)
    case 2:
      return value.slice(0, at) + String.fromCharCode(32 + Math.floor(chance.next() * 95)) + value.slice(at + 1)
    case 3:
      return `${value} ${chance.pick(words)}`
    default:
      return chance.next() < 0.5 ? value.toUpperCase() : value.slice(at)
  }
}

/** `plain`: as canonical as it gets. Else with spaces, escapes, members in another order, or twice. */
function write(value: unknown, chance: Chance, odd: boolean): string {
  if (value instanceof Raw) return value.text
  const space = () => (odd && chance.next() < 0.1 ? ' \n' : '')
  if (Array.isArray(value)) return `[${value.map((each) => space() + write(each, chance, odd)).join(',')}${space()}]`
  if (isObject(value)) {
    const names = Object.keys(value)
    if (!odd) names.sort()
    const members = names.map((name) => `${space()}${quote(name, chance, odd)}:${write(value[name], chance, odd)}`)
    if (odd && members.length > 0 && chance.next() < 0.1) members.push(chance.pick(members))
    return `{${members.join(',')}}`
  }
  return typeof value === 'string' ? quote(value, chance, odd) : (JSON.stringify(value) ?? 'null')
}

function quote(text: string, chance: Chance, odd: boolean): string {
  const plain = JSON.stringify(text)
  if (!odd || text === '' || chance.next() > 0.1) return plain
  const spelled = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return `"${text.replace(/[\s\S]/g, (unit) => (chance.next() < 0.5 || /["\\\p{Cc}]/u.test(unit) ? spelled(unit) : unit))}"`
}
