import type { Chance } from '../faults/chance.ts'
import { mutateJson } from './mutate_json.ts'
import type { Form } from './target.ts'

export type Mutation = {
  chance: Chance
  words: readonly string[]
  /** Another input of the corpus, to take from. */
  other: Uint8Array
}

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Another input, made from this one: a few changes of its form, or now and then of its bare bytes. */
export function mutate(input: Uint8Array, form: Form, maxBytes: number, mutation: Mutation): Uint8Array {
  const { chance } = mutation
  let made = input
  for (let rounds = 1 + Math.floor(-Math.log2(1 - chance.next())); rounds > 0; rounds--) {
    made = form !== 'bytes' && chance.next() < 0.85 ? structured(made, form, mutation) : mutateBytes(made, mutation)
  }
  return made.length > maxBytes ? made.subarray(0, maxBytes) : made
}

function structured(input: Uint8Array, form: Form, mutation: Mutation): Uint8Array {
  const text = decoder.decode(input)
  const other = decoder.decode(mutation.other)
  switch (form) {
    case 'json':
      return encoder.encode(mutateJson(text, other, mutation) ?? mutateText(text, other, mutation))
    case 'lines':
      return encoder.encode(
        mutateParts(text, other, '\n', mutation, (part, theirs) => mutateJson(part, theirs, mutation)),
      )
    case 'pairs':
      return encoder.encode(mutateParts(text, other, '&', mutation, () => undefined))
    case 'compact':
      return encoder.encode(mutateParts(text, other, '.', mutation, (part, theirs) => insideOf(part, theirs, mutation)))
    default:
      return encoder.encode(mutateText(text, other, mutation))
  }
}

/** One part changed by its own kind of change, or parts dropped, doubled, exchanged, taken from elsewhere. */
function mutateParts(
  text: string,
  other: string,
  separator: string,
  mutation: Mutation,
  inside: (part: string, theirs: string) => string | undefined,
): string {
  const { chance } = mutation
  const parts = text.split(separator)
  const place = Math.floor(chance.next() * parts.length)
  const part = parts[place] ?? ''
  const theirs = chance.pick(other.split(separator))
  const how = chance.next()
  if (how < 0.7) parts[place] = inside(part, theirs) ?? mutateText(part, theirs, mutation)
  else if (how < 0.77) parts.splice(place, 1)
  else if (how < 0.84) parts.splice(place, 0, part)
  else if (how < 0.9) parts.splice(place, 0, theirs)
  else if (how < 0.96) parts[place] = theirs
  else parts.reverse()
  return parts.join(separator)
}

/** What is inside base64url, changed and wrapped again. */
function insideOf(part: string, theirs: string, mutation: Mutation): string | undefined {
  if (mutation.chance.next() < 0.2) return undefined
  const plain = (wrapped: string) => Buffer.from(wrapped, 'base64url').toString()
  const changed = mutateJson(plain(part), plain(theirs), mutation)
  return changed === undefined ? undefined : Buffer.from(changed).toString('base64url')
}

/** Cuts, doubles, inserts words, and changes single characters and numbers. */
export function mutateText(text: string, other: string, { chance, words }: Mutation): string {
  const at = Math.floor(chance.next() * (text.length + 1))
  const end = Math.min(text.length, at + 1 + Math.floor(chance.next() ** 3 * 32))
  switch (Math.floor(chance.next() * 8)) {
    case 0:
      return text.slice(0, at) + text.slice(end)
    case 1:
      return text.slice(0, end) + text.slice(at)
    case 2:
      return text.slice(0, at) + chance.pick(words) + text.slice(at)
    case 3:
      return text.slice(0, at) + chance.pick(words) + text.slice(end)
    case 4:
      return text.slice(0, at) + String.fromCharCode(Math.floor(chance.next() * 128)) + text.slice(at + 1)
    case 5: {
      const from = Math.floor(chance.next() * (other.length + 1))
      return text.slice(0, at) + other.slice(from, from + Math.floor(chance.next() * 64)) + text.slice(at)
    }
    case 6: {
      const number = /\d+/g
      number.lastIndex = at
      const found = number.exec(text)
      if (!found) return text + chance.pick(words)
      const moved = chance.pick(['0', '1', String(Number(found[0]) + 1), String(Number(found[0]) - 1), `${found[0]}0`])
      return text.slice(0, found.index) + moved + text.slice(number.lastIndex)
    }
    default: {
      const word = chance.pick(words)
      const place = text.indexOf(word)
      return place < 0 ? text : text.slice(0, place) + chance.pick(words) + text.slice(place + word.length)
    }
  }
}

function mutateBytes(input: Uint8Array, { chance, words, other }: Mutation): Uint8Array {
  const at = Math.floor(chance.next() * (input.length + 1))
  const end = Math.min(input.length, at + 1 + Math.floor(chance.next() ** 3 * 64))
  const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
  switch (Math.floor(chance.next() * 7)) {
    case 0: {
      const flipped = Uint8Array.from(input)
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(chance.next() * 8))
      return flipped
    }
    case 1: {
      const changed = Uint8Array.from(input)
      if (at < changed.length) changed[at] = Math.floor(chance.next() * 256)
      return changed
    }
    case 2:
      return joined(input.subarray(0, at), input.subarray(end))
    case 3:
      return joined(input.subarray(0, end), input.subarray(at))
    case 4:
      return joined(input.subarray(0, at), encoder.encode(chance.pick(words)), input.subarray(at))
    case 5:
      return joined(input.subarray(0, at), Uint8Array.of(Math.floor(chance.next() * 256)), input.subarray(at))
    default:
      return joined(input.subarray(0, at), other.subarray(Math.floor(chance.next() * (other.length + 1))))
  }
}
