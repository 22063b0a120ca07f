// Finding secrets wherever they should not be, in whatever form they got there.

export type Secret = {
  /** What it is, for whoever reads a failure. Never the secret. */
  name: string
  /** The part that nobody can know otherwise: what is random of a secret, the signature of a token. */
  core: string
}

/** What a text that must stay secret is made of: its random part, without the id before it. */
export function secretOf(name: string, text: string): Secret {
  const parts = text.split('.')
  // Header and claims of a token are in many places; its signature is what makes it one.
  if (parts.length === 3) return { name, core: parts[2] as string }
  return { name, core: /^credence_[a-z]+_.{22}_(.+)$/.exec(text)?.[1] ?? text }
}

const piece = 16

/** How somebody may have written it down. Each form is enough of it to know it again, and more than chance would write. */
export function formsOf(core: string): Record<string, string> {
  const bytes = Buffer.from(core)
  // As whoever decodes the text would keep it.
  const raw = Buffer.from(core, 'base64url')
  const coded = (lead: number) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes]).toString('base64')
    return text.slice(4, 4 + piece + 4)
  }
  const each = (write: (code: string) => string) =>
    [...core.slice(0, 8)].map((letter) => write(letter.charCodeAt(0).toString(16).padStart(2, '0'))).join('')
  return {
    'its beginning': core.slice(0, piece),
    'its middle': core.slice(Math.floor(core.length / 2) - piece / 2).slice(0, piece),
    'its end': core.slice(-piece),
    reversed: [...core].reverse().join('').slice(0, piece),
    'in hexadecimal': bytes.toString('hex').slice(0, 2 * piece),
    'in upper hexadecimal': bytes
      .toString('hex')
      .toUpperCase()
      .slice(0, 2 * piece),
    'in base64': coded(0),
    'in base64, shifted by one': coded(1),
    'in base64, shifted by two': coded(2),
    'in base64url': Buffer.from(core)
      .toString('base64url')
      .slice(0, piece + 4),
    'escaped for a URL': each((code) => `%${code}`),
    'escaped for JSON': each((code) => `\\u00${code}`),
    'escaped as a shell would': each((code) => `\\x${code}`),
    'its bytes': raw.subarray(0, piece).toString('latin1'),
    'its bytes in hexadecimal': raw.toString('hex').slice(0, 2 * piece),
    'its bytes in base64': raw.toString('base64').slice(0, piece),
    'its bytes as a list': [...raw.subarray(0, 6)].join(','),
  }
}

/** Texts in which nothing may be found, by where they were. */
export class Corpus {
  readonly #texts = new Map<string, string[]>()

  add(where: string, text: string): void {
    const texts = this.#texts.get(where) ?? []
    this.#texts.set(where, texts)
    texts.push(text)
  }

  get places(): string[] {
    return [...this.#texts.keys()]
  }

  sizeOf(where: string): number {
    return (this.#texts.get(where) ?? []).reduce((sum, { length }) => sum + length, 0)
  }

  /** Each place where each secret was found, in words. */
  find(secrets: readonly Secret[]): string[] {
    // By how each form begins, so that every text is gone through once, however many secrets there are.
    const beginnings = new Map<string, Array<{ name: string; how: string; form: string }>>()
    for (const { name, core } of secrets) {
      for (const [how, form] of Object.entries(formsOf(core))) {
        const beginning = form.slice(0, begins)
        beginnings.set(beginning, [...(beginnings.get(beginning) ?? []), { name, how, form }])
      }
    }
    const found = new Map<string, string>()
    for (const [where, texts] of this.#texts) {
      const whole = texts.join('\n')
      for (let at = 0; at + begins <= whole.length; at += 1) {
        for (const { name, how, form } of beginnings.get(whole.slice(at, at + begins)) ?? []) {
          const place = `${name} in ${where}`
          if (!found.has(place) && whole.startsWith(form, at)) found.set(place, `${name}, ${how}, in ${where}`)
        }
      }
    }
    return [...found.values()]
  }
}

/** Letters by which forms are told apart at first. */
const begins = 8
