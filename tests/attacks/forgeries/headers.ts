// A03, A05 to A14 and A23 of the attack list: what a header says.

import { canonicalize, generateSigningKey, type JsonObject } from '@credence/protocol'
import { CompactEncrypt, importJWK } from 'jose'
import type { Honest } from '../doors.ts'
import { bytes, type Forgery, named, opened, part, signed, withHeader } from './forging.ts'

/** Where headers point to. A test that listens there hears of it when somebody looks. */
export const attackers = { keys: 'http://127.0.0.1:9/keys' }
/** What in a header would lead somebody to another key. A proof alone brings its key along. */
const leads: Record<string, (jwk: JsonObject) => object> = {
  'A05 jwk': (jwk) => ({ jwk }),
  'A06 jku': () => ({ jku: attackers.keys }),
  'A06 x5u': () => ({ x5u: attackers.keys }),
  'A06 x5u, a file': () => ({ x5u: 'file:///etc/passwd' }),
  'A06 x5c': () => ({ x5c: ['MIIB'] }),
  'A06 x5t': () => ({ x5t: 'AAAA', 'x5t#S256': 'AAAA' }),
}

export const otherKeys = Object.entries(leads).map(
  ([name, lead]): Forgery => ({
    name: `${name} in the header, and signed with that key`,
    flaws: ['signature_invalid'],
    but: { 'access token': 'claims_invalid', statement: 'malformed', proof: null },
    forge: async ({ compact }) => {
      const stranger = await generateSigningKey('ES256')
      const { header, payloadText } = opened(compact)
      return signed(stranger, canonicalize({ ...header, ...lead(stranger.publicJwk) } as JsonObject), payloadText)
    },
  }),
)

export const kids: Forgery[] = [
  ...[
    '../../dev/null',
    "' or '1'='1",
    'http://127.0.0.1:9/',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(256),
    '*',
    '%',
  ].map(
    (kid): Forgery => ({
      name: `A07 kid ${named(kid)}`,
      flaws: ['key_unknown'],
      but: { proof: null, ...(kid.includes(' ') && { statement: 'malformed' }) },
      forge: withHeader((header) => ({ ...header, kid })),
    }),
  ),
  ...['key\0', 'key ', ' ', 'ключ'].map(
    (kid): Forgery => ({
      name: `A07 kid ${named(kid)}`,
      flaws: ['key_unknown'],
      but: { proof: null, statement: 'malformed' },
      forge: withHeader((header) => ({ ...header, kid })),
    }),
  ),
  ...['', 'x'.repeat(257), ['a'], 1, null, {}].map(
    (kid): Forgery => ({
      name: `A07 kid ${named(kid)}, not one`,
      flaws: ['malformed'],
      forge: withHeader((header) => ({ ...header, kid: kid as unknown as string })),
    }),
  ),
  {
    name: 'A07 no kid',
    flaws: ['key_unknown'],
    but: { assertion: 'claims_invalid', statement: 'malformed', proof: null },
    forge: withHeader(({ kid: _, ...header }) => header),
  },
]

export const extensions: Forgery[] = [
  ...[['exp'], [], ['b64'], ['alg'], ['x', 'x'], 'exp', {}, null, ['']].map(
    (crit): Forgery => ({
      name: `A09 crit ${named(crit)}`,
      flaws: ['critical_unsupported'],
      forge: withHeader((header) => ({ ...header, crit: crit as unknown as string })),
    }),
  ),
  ...[false, true, 'false', null].flatMap((b64) =>
    [{ b64 }, { b64, crit: ['b64'] }].map(
      (more): Forgery => ({
        name: `A10 ${named(more)}`,
        flaws: ['critical_unsupported'],
        forge: withHeader((header) => ({ ...header, ...more })),
      }),
    ),
  ),
  ...['DEF', ''].map(
    (zip): Forgery => ({
      name: `A12 zip ${named(zip)}`,
      flaws: ['critical_unsupported'],
      forge: withHeader((header) => ({ ...header, zip })),
    }),
  ),
]

/** RFC 8725 §3.3: to be encrypted is not to be signed. */
async function encrypted({ compact, key }: Honest, more: object = {}): Promise<string> {
  const { header, payloadText } = opened(compact)
  const inner = `${part(JSON.stringify({ alg: 'none' }))}.${part(payloadText)}.`
  const { kid: _kid, alg: _alg, use: _use, ...jwk } = key.publicJwk
  const recipient = await importJWK(jwk as never, 'ECDH-ES')
  const { kid, typ } = header
  return new CompactEncrypt(bytes(inner))
    .setProtectedHeader({
      alg: 'ECDH-ES',
      enc: 'A256GCM',
      cty: 'JWT',
      ...(kid !== undefined && { kid: `${kid}` }),
      typ: `${typ}`,
      ...more,
    })
    .encrypt(recipient)
}

export const encryptions: Forgery[] = [
  { name: 'A11 encrypted to our key, not signed', flaws: ['malformed'], forge: (honest) => encrypted(honest) },
  ...[2 ** 31 - 1, 0, -1, 1.5].map(
    (p2c): Forgery => ({
      name: `A13 PBES2 with ${p2c} rounds`,
      flaws: ['malformed'],
      forge: () =>
        `${part(JSON.stringify({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', p2c, p2s: 'AAAA' }))}.AA.AA.AA.AA`,
    }),
  ),
  ...['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', '__________________________________________8'].map(
    (x): Forgery => ({
      name: `A14 ECDH-ES with a point that is none (${x.slice(0, 3)})`,
      flaws: ['malformed'],
      forge: () =>
        `${part(JSON.stringify({ alg: 'ECDH-ES', enc: 'A256GCM', epk: { kty: 'EC', crv: 'P-256', x, y: x } }))}..AA.AA.AA`,
    }),
  ),
]

export const types: Forgery[] = [
  'at+jwt',
  'delegation+jwt',
  'dpop+jwt',
  'client-authentication+jwt',
  'revocations+jwt',
  'log-head+jwt',
  'at+JWT',
  'jwt',
  'secevent+jwt',
  '',
  'at+jwt;x=y',
  ' dpop+jwt',
].map(
  (typ): Forgery => ({
    name: `A23 typ ${named(typ)}`,
    flaws: ['type_mismatch'],
    forge: withHeader((header) => ({ ...header, typ })),
  }),
)
export const notTypes: Forgery[] = [
  {
    name: 'A23 typ that is no text',
    flaws: ['malformed'],
    forge: withHeader((header) => ({ ...header, typ: ['at+jwt'] })),
  },
  // RFC 7523 asks for none.
  {
    name: 'A23 no typ',
    flaws: ['type_mismatch'],
    but: { assertion: null },
    forge: withHeader(({ typ: _, ...header }) => header),
  },
]
