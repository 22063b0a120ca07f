// Plain truths about JSON, found in the simplest way there is, to hold a parser against.

export function everyNumber(value: unknown, holds: (number: number) => boolean): boolean {
  if (typeof value === 'number') return holds(value)
  return typeof value !== 'object' || value === null || Object.values(value).every((each) => everyNumber(each, holds))
}

/** Names of members included. */
export function everyText(value: unknown, holds: (text: string) => boolean): boolean {
  if (typeof value === 'string') return holds(value)
  if (typeof value !== 'object' || value === null) return true
  const names = Array.isArray(value) ? [] : Object.keys(value)
  return names.every(holds) && Object.values(value).every((each) => everyText(each, holds))
}

export function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

/** Whether a text has more members than the value that was read from it: then two had one name, and the last won. */
export function namesTwice(text: string, value: unknown): boolean {
  const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').split(':').length - 1
  return colons > membersOf(value)
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce<number>((sum, each) => sum + membersOf(each), own)
}

/**
 * What JSON.parse reads, name by name: V8 takes an escaped name for `\` when the object before it of the same shape had a member of that
 * name (nodejs/node#63785), so it is shown no escapes. Throws where JSON.parse throws.
 */
export function nativeParse(text: string): unknown {
  if (text.includes('\ue000')) return JSON.parse(text)
  const strings: string[] = []
  const plain = text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, (quoted) =>
    quoted.includes('\\') ? `"\ue000${strings.push(JSON.parse(quoted)) - 1}"` : quoted,
  )
  return restored(JSON.parse(plain), (name) =>
    name.startsWith('\ue000') ? (strings[Number(name.slice(1))] ?? name) : name,
  )
}

function restored(value: unknown, of: (text: string) => string): unknown {
  if (typeof value === 'string') return of(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => restored(each, of))
  const object = {}
  for (const [name, member] of Object.entries(value)) {
    Object.defineProperty(object, of(name), {
      value: restored(member, of),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return object
}
