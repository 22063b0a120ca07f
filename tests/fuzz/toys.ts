/** Wrong behind four conditions, which random input fulfils all at once about once in 10^11 times. */
export function nested(text: string): string {
  if (text[0] === 'Q') {
    if (text[1] === '#') {
      if (text[2] === 'k') {
        if (text.endsWith('}')) throw new Error('planted')
        return 'almost'
      }
    }
  }
  return 'harmless'
}

/** Throws what is not a refusal. */
export function word(text: string): string {
  if (text.includes('c4n4ryT0k3n')) return (undefined as unknown as string).slice(0, 1)
  return 'harmless'
}

/** Takes twice as long for each further letter at the end. */
export function backtracking(text: string): string {
  return /(?:[a-z]|[a-z ])*!$/.test(text.slice(0, 20)) ? 'loud' : 'harmless'
}

/** Does not come back. */
export function hanging(text: string): string {
  for (; text.length > 30 && text.startsWith('a harmless'); );
  return 'harmless'
}
