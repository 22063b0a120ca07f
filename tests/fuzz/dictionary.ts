import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { canary, type Target } from './target.ts'

export const root: string = resolve(import.meta.dirname, '../..')

/** What makes parsers differ, whatever they parse. */
const everywhere = [
  canary,
  '__proto__',
  'constructor',
  'toString',
  'null',
  'true',
  '0',
  '-1',
  '1e400',
  '9007199254740991',
  '9007199254740993',
  '\\ud800',
  '\\u0000',
  '\u0000',
  '\ufeff',
  '\u2028',
  'é',
  'ſ',
  '%00',
  '%2e',
  '%zz',
  '../',
  '*',
  '~',
  '=',
  '==',
  '://',
  'spiffe://',
  'https://',
  'http://localhost',
  '127.0.0.1',
  '[::1]',
  '@',
  'a'.repeat(65),
  'a'.repeat(257),
]

/** Words that inputs of a target are made of: the string literals and member names of the sources that read them. */
export function dictionaryOf({ sources, words = [] }: Pick<Target, 'sources' | 'words'>): string[] {
  const found = new Set([...everywhere, ...words])
  for (const source of sources) {
    const text = readFileSync(join(root, source), 'utf8')
    for (const [, literal] of text.matchAll(/'([^'\n\\]{1,60})'/g)) if (literal) found.add(literal)
    for (const [, name] of text.matchAll(/\b([A-Za-z_]\w{1,30})\??:/g)) if (name) found.add(name)
  }
  return [...found].filter((word) => !/^(?:\.{1,2}\/|node:)/.test(word) || word === '../')
}
