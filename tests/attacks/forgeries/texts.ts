// A15 to A21 of the attack list: how it is written.

import { type Forgery, first, opened, signed, withTexts } from './forging.ts'

const serializations: Record<string, (parts: { protected: string; payload: string; signature: string }) => unknown> = {
  flattened: (one) => one,
  general: ({ payload, ...one }) => ({ payload, signatures: [one] }),
  'one good and one bad signature': ({ payload, ...one }) => ({
    payload,
    signatures: [{ ...one, signature: 'AAAA' }, one],
  }),
  'both `signature` and `signatures`': (one) => ({ ...one, signatures: [one] }),
  'an array': ({ protected: header, payload, signature }) => [header, payload, signature],
  'a text': ({ protected: header, payload, signature }) => `${header}.${payload}.${signature}`,
}

export const structures: Forgery[] = [
  ...Object.entries(serializations).map(
    ([name, write]): Forgery => ({
      name: `A16 in JSON: ${name}`,
      flaws: ['malformed'],
      forge: ({ compact }) => {
        const [header = '', payload = '', signature = ''] = compact.split('.')
        return JSON.stringify(write({ protected: header, payload, signature }))
      },
    }),
  ),
  ...[0, 1, 2, 4, 5].map(
    (count): Forgery => ({
      name: `${count} parts`,
      flaws: ['malformed'],
      forge: ({ compact }) => [...compact.split('.'), 'AAAA', 'AAAA'].slice(0, count).join('.') || '.',
    }),
  ),
  { name: 'an empty header', flaws: ['malformed'], forge: ({ compact }) => compact.slice(compact.indexOf('.')) },
  {
    name: 'an empty payload',
    flaws: ['malformed'],
    forge: ({ compact, key }) => signed(key, opened(compact).headerText, ''),
  },
]

/** By name: the flaw, and the payload, or header, as it is written then. */
const written: Record<string, [Forgery['flaws'][number], Parameters<typeof withTexts>[0]]> = {
  'A17 alg twice': ['duplicate_member', ({ header }) => ({ header: first(header, '"alg":"ES256"') })],
  'A17 alg twice, one escaped': ['duplicate_member', ({ header }) => ({ header: first(header, '"\\u0061lg":"none"') })],
  'A17 a claim twice': [
    'duplicate_member',
    ({ payload }) => ({ payload: first(payload, payload.slice(1, payload.indexOf(','))) }),
  ],
  'A17 jti twice, one escaped': ['duplicate_member', ({ payload }) => ({ payload: first(payload, '"\\u006ati":"x"') })],
  'A17 a member twice, deep inside': ['duplicate_member', withMember('[{"a":1,"a":2}]')],
  'A19 nested deeper than anybody writes': ['too_deep', withMember(`${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
  'A19 nested, and never closed': ['too_deep', withMember('{"a":'.repeat(900))],
  'A19 a header nested': [
    'too_deep',
    ({ header }) => ({ header: first(header, `"zz":${'['.repeat(9)}${']'.repeat(9)}`) }),
  ],
  'A22 a number that is infinite': ['non_finite', withMember('1e400')],
  'A22 a number that is none': ['non_finite', withMember('NaN')],
  'A22 a number past 2^53': ['malformed', withMember('9007199254740993')],
  'half a surrogate pair': ['malformed', withMember('"\\ud800"')],
  'a comment': ['malformed', withMember('/**/1')],
  'bytes that are not UTF-8': [
    'malformed',
    ({ payload }) => ({
      payload: Buffer.concat([Buffer.from(first(payload, '"zz":"').slice(0, 8)), Buffer.of(0xff), Buffer.from('"}')]),
    }),
  ],
  'an overlong UTF-8 quote': [
    'malformed',
    ({ payload }) => ({ payload: Buffer.concat([Buffer.from(payload), Buffer.of(0xc0, 0xa2)]) }),
  ],
  'a byte order mark': ['malformed', ({ payload }) => ({ payload: `\ufeff${payload}` })],
  'text after it': ['malformed', ({ payload }) => ({ payload: `${payload}{}` })],
  'a comma too many': ['malformed', ({ payload }) => ({ payload: payload.replace(/}$/, ',}') })],
}

function withMember(value: string): Parameters<typeof withTexts>[0] {
  return ({ payload }) => ({ payload: first(payload, `"zz":${value}`) })
}

export const json: Forgery[] = [
  ...Object.entries(written).map(
    ([name, [flaw, change]]): Forgery => ({ name, flaws: [flaw], forge: withTexts(change) }),
  ),
  ...['[]', '"x"', 'null', '1', ''].map(
    (payload): Forgery => ({
      name: `a payload that is ${payload || 'nothing'}`,
      flaws: ['malformed'],
      forge: withTexts(() => ({ payload })),
    }),
  ),
  ...['[]', '"x"', 'null'].map(
    (header): Forgery => ({
      name: `a header that is ${header}`,
      flaws: ['malformed'],
      forge: withTexts(() => ({ header })),
    }),
  ),
]

/** Another spelling of the same bytes would be another text for the same thing. */
const spellings: Record<string, (compact: string) => string> = {
  'one character less': (compact) => compact.slice(0, -1),
  'one character more': (compact) => `${compact}A`,
  'bits that nobody reads': (compact) => compact.slice(0, -1) + next(compact.at(-1) ?? ''),
  padding: (compact) => `${compact}==`,
  'a dot more': (compact) => `${compact}.`,
  'the other alphabet': (compact) => compact.replace(/.$/, '+'),
  'a tilde': (compact) => `${compact}~`,
}

function next(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[(alphabet.indexOf(letter) + 1) % 64] as string
}

export const otherTexts = Object.entries(spellings).map(
  ([name, change]): Forgery => ({
    name: `A21 ${name}`,
    flaws: ['malformed', 'signature_invalid'],
    forge: ({ compact }) => change(compact),
  }),
)
