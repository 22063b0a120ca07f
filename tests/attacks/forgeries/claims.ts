// A22, A24, A25, A33, A36, A38 of the attack list: what a signed object says, all of it signed with the right key.

import { newId, type RefusalCode } from '@credence/protocol'
import type { Door } from '../doors.ts'
import { type Forgery, named, withPayload } from './forging.ts'

/** A claim, and what it is set to; a function makes that of what it was, and `undefined` leaves it out. */
type Change = { [claim: string]: unknown }
type Row = [flaw: RefusalCode, changes: Change[], but?: Forgery['but']]

// biome-ignore lint/suspicious/noExplicitAny: of any claim.
type Was = any
const now = () => Math.floor(Date.now() / 1000)
const missing = undefined
const each = (claim: string, values: readonly unknown[]): Change[] => values.map((value) => ({ [claim]: value }))

const notText = [missing, null, 1, true, ['a'], { a: 'a' }, '']
/** `1.5`, and what is no number at all. */
const notTime = [missing, null, '1', `${now()}`, (was: Was) => was + 0.5, -1, [1], true]

const long = (was: Was) => Array.from({ length: 257 }, (_, at) => (was[at] ?? [newId('tok'), 0]) as unknown)

const accessToken: Row[] = [
  ['claims_invalid', [...each('exp', notTime), ...each('iat', notTime)]],
  ['claims_invalid', [{ exp: Number.MAX_SAFE_INTEGER }, { exp: (was: Was) => was + 86_400 }, { iat: 0 }]],
  ['claims_invalid', [{ exp: 0 }, { exp: now() - 600 }, { iat: (was: Was) => was + 3_600 }]],
  [
    'token_expired',
    [
      { iat: now() - 900, exp: now() - 600 },
      { iat: now() - 400, exp: now() - 100 },
    ],
  ],
  ['token_not_yet_valid', [{ iat: now() + 60, exp: now() + 300 }]],
  [
    'claims_invalid',
    [...each('nbf', [0, now(), now() + 600]), { admin: true }, { scopes: 'a:read' }, { constructor: 1 }],
  ],
  ['claims_invalid', each('aud', [...notText, [], (was: Was) => [was], (was: Was) => [was, 'https://evil.example/']])],
  [
    'issuer_untrusted',
    each('iss', [
      ...notText,
      (was: Was) => `${was}/`,
      (was: Was) => was.toUpperCase(),
      (was: Was) => was.replace('acme', 'other'),
      (was: Was) => was.replace('acme', '%61cme'),
      (was: Was) => was.replace('acme', 'аcme'),
      (was: Was) => was.replace('http:', 'https:'),
      (was: Was) => was.replace('localhost', '127.0.0.1'),
      (was: Was) => new URL(was).origin,
      (was: Was) => [was],
      'https://evil.example',
    ]),
  ],
  [
    'claims_invalid',
    [...each('sub', notText), ...each('client_id', notText), ...each('jti', [...notText, 'x', newId('dlg'), 'tok_x'])],
  ],
  [
    'claims_invalid',
    [{ sub: 'psn_AAAAAAAAAAAAAAAAAAAAAA', act: missing }, { client_id: 'spiffe://acme.credence.example/agent/else' }],
  ],
  [
    'claims_invalid',
    each('scope', [
      ...notText,
      'a:read a:read',
      'a:read  a:write',
      ' a:read',
      'a:read\n',
      '*',
      'a:*:b',
      'x'.repeat(257),
    ]),
  ],
  [
    'claims_invalid',
    [
      ...each('org', [...notText, newId('org'), newId('agt')]),
      ...each('agent', [...notText, newId('agt'), newId('org')]),
    ],
  ],
  [
    'claims_invalid',
    each('lineage', [
      ...notText,
      [],
      long,
      ...['org_', 'agt_'].map((prefix) => (was: Was) => was.filter(([id]: [string]) => !id.startsWith(prefix))),
      ...[[], ['x'], ['x', '0'], ['x', -1], ['x', 0.5], ['x', 0, 0], ['', 0], [1, 0], { id: 'x' }].map(
        (entry) => (was: Was) => [...was, entry],
      ),
    ]),
  ],
  [
    'claims_invalid',
    each('act', [
      null,
      'x',
      [],
      {},
      { sub: '' },
      (was: Was) => ({ ...was, iss: 'x' }),
      (was: Was) => deep(was?.sub ?? 'x', 9),
      (was: Was) => ({ ...was, act: null }),
    ]),
  ],
  [
    'claims_invalid',
    each('delegation_chain', [
      null,
      [],
      {},
      [{}],
      (was: Was = []) => [...was, ...Array.from({ length: 9 }, () => was[0] ?? {})],
      ...[
        { evidence: 'none' },
        { hash: 'x' },
        { hash: `${'A'.repeat(42)}é` },
        { exp: '1' },
        { delegate: '' },
        { more: 1 },
      ].map((change) => (was: Was = []) => [{ ...was[0], ...change }]),
    ]),
  ],
  [
    'claims_invalid',
    each('authorization_details', [
      null,
      [],
      [{ type: 'agent_delegation' }],
      [{ type: 'else', constraints: [] }],
      [{ type: 'agent_delegation', constraints: [], more: 1 }],
      [{ type: 'agent_delegation', constraints: [{ key: 'a' }] }],
      [
        {
          type: 'agent_delegation',
          constraints: [
            { key: 'a', max: 1 },
            { key: 'a', max: 2 },
          ],
        },
      ],
      Array.from({ length: 2 }, () => ({ type: 'agent_delegation', constraints: [] })),
    ]),
  ],
  [
    'claims_invalid',
    [
      ...each('task', [null, '', 'a b', '-a', 'x'.repeat(129)]),
      ...each('sid', [1, '', 'a\0']),
      ...each('instance', [1, '']),
      ...each('max_depth', [-1, 9, 0.5, '1']),
    ],
  ],
  [
    'binding_unknown',
    each('cnf', [
      null,
      {},
      'x',
      [],
      { jwk: {} },
      { 'x5t#S256': 'A'.repeat(43) },
      { jkt: 'x' },
      { jkt: 1 },
      { jkt: 'A'.repeat(43), jwk: {} },
      { jkt: 'A'.repeat(44) },
    ]),
  ],
]

function deep(sub: string, levels: number): object {
  return levels === 1 ? { sub } : { sub, act: deep(sub, levels - 1) }
}

/** Audiences that are texts: not a flaw where nobody asks for one, at a revocation by the client and of an actor's own. */
export const wrongAudiences: Change[] = each('aud', [
  (was: Was) => was.slice(0, -1),
  (was: Was) => `${was}/`,
  (was: Was) => was.replace('example', 'EXAMPLE').replace('localhost', 'LOCALHOST'),
  (was: Was) => was.replace('://', '://evil.example@'),
  (was: Was) => `${was}?`,
  (was: Was) => `${was}#`,
  (was: Was) => was.replace(/(example|localhost)/, '$1.evil'),
  (was: Was) => ` ${was}`,
  '*',
  'https://evil.example/',
])

const assertion: Row[] = [
  [
    'assertion_invalid',
    [...each('exp', notTime), ...each('iat', notTime.slice(1)), ...each('nbf', notTime.slice(1, 4))],
  ],
  [
    'assertion_lifetime',
    [
      { exp: now() + 400 },
      { exp: now() + 315_360_000 },
      { exp: Number.MAX_SAFE_INTEGER },
      { iat: now() - 300, exp: now() + 60 },
    ],
  ],
  ['assertion_lifetime', [{ iat: now() - 600, exp: now() - 300 }, { exp: 0, iat: 0 }, { exp: now() - 6 }]],
  ['assertion_lifetime', [{ iat: now() + 60 }, { nbf: now() + 60 }, { nbf: now() + 600 }]],
  [
    'assertion_invalid',
    [
      ...each('jti', [...notText, 'j'.repeat(257), '\u{1f511}'.repeat(65)]),
      ...each('sub', notText),
      ...each('iss', [...notText, 'x']),
    ],
  ],
  ['assertion_invalid', each('sub', [(was: Was) => [was], 'x'.repeat(2049), (was: Was) => `${was}/`])],
  [
    'assertion_audience',
    each('aud', [
      ...notText,
      [],
      (was: Was) => [[was]],
      (was: Was) => [was, was],
      (was: Was) => [was, 'https://as.example'],
      (was: Was) => ({ 0: was }),
      (was: Was) => `${was}/token`,
      (was: Was) => `${was}/`,
      (was: Was) => was.toUpperCase(),
      (was: Was) => was.replace('acme', 'other'),
      (was: Was) => `${was} `,
      (was: Was) => new URL(was).origin,
    ]),
  ],
  // Another client, named twice over, whose key this is not; and whoever is nobody.
  [
    'client_authentication_failed',
    ['operator', 'nobody', 'agent/ins_AAAAAAAAAAAAAAAAAAAAAA', '', '../agent/agent', 'agent\0', 'Agent'].map(
      (handle) => {
        const id = `spiffe://acme.credence.example/agent/${handle}`
        return { iss: id, sub: id }
      },
    ),
  ],
]

const proof: Row[] = [
  [
    'proof_invalid',
    [...each('iat', notTime), ...each('exp', notTime.slice(1, 4)), ...each('nbf', notTime.slice(1, 4))],
  ],
  [
    'proof_stale',
    [
      { iat: 0 },
      { iat: now() - 120 },
      { iat: now() + 60 },
      { iat: Number.MAX_SAFE_INTEGER },
      { exp: now() - 1 },
      { nbf: now() + 60 },
    ],
  ],
  [
    'proof_invalid',
    [
      ...each('jti', [...notText, 'j'.repeat(257)]),
      ...each('htm', [missing, null, 1, ['POST']]),
      ...each('htu', [missing, null, 1, {}]),
    ],
  ],
  ['proof_invalid', each('nonce', [null, 1, {}, []])],
  ['proof_method_mismatch', each('htm', ['', 'PUT', (was: Was) => was.toLowerCase(), (was: Was) => `${was} `, '*'])],
  [
    'proof_target_mismatch',
    each('htu', [
      '',
      '/',
      (was: Was) => `${was}/`,
      (was: Was) => was.replace(/(\w)$/, (last: string) => last.toUpperCase()),
      (was: Was) => `${was}/../evil`,
      (was: Was) => `${was};a`,
      (was: Was) => `${was}%2f`,
      (was: Was) => `${was}\\`,
      (was: Was) => was.replace('://', '://a@'),
      (was: Was) => was.replace(/^http/, 'ftp'),
      (was: Was) => was.replace(/:\/\/([^:/]+)/, '://$1.evil'),
      (was: Was) => was.replace(/:\/\/([^:/]+)(:\d+)?/, '://$1:1'),
      (was: Was) => new URL(was).pathname,
      (was: Was) => ` ${was}`,
    ]),
  ],
]

/** Of proofs that go with a token. */
export const wrongHashes: Change[] = each('ath', [
  missing,
  null,
  '',
  1,
  'A'.repeat(43),
  (was: Was) => `${was}=`,
  (was: Was) => was.toUpperCase(),
  (was: Was) => [was],
])

const statement: Row[] = [
  [
    'malformed',
    [
      ...each('iat', notTime),
      ...each('exp', notTime),
      ...each('max_depth', [...notTime, 256]),
      ...each('scope', notText),
    ],
  ],
  [
    'malformed',
    [
      { exp: (was: Was) => was + 91 * 86_400 },
      { exp: 0 },
      { iat: (was: Was) => was + 90_000 },
      { admin: true },
      { nbf: 0 },
      { act: {} },
    ],
  ],
  [
    'expired',
    [
      { iat: now() - 700, exp: now() - 600 },
      { iat: now() + 600, exp: now() + 900 },
    ],
  ],
  [
    'malformed',
    [
      ...each('aud', [
        ...notText,
        [],
        [1],
        'https://api.example/',
        ['x'],
        ['http://api.example/'],
        ['https://API.example/'],
      ]),
      { aud: (was: Was) => [...was, ...was] },
    ],
  ],
  ['malformed', each('onward', [[], 'x', ['x'], null])],
  [
    'malformed',
    [
      ...each('jti', [...notText, 'x', 'A'.repeat(23)]),
      ...each('sub', [...notText, 'ada']),
      ...each('iss', [...notText, 'ada']),
    ],
  ],
  [
    'malformed',
    each('delegate', [
      ...notText,
      'x',
      'psn_AAAAAAAAAAAAAAAAAAAAAA',
      'spiffe://a/b/c',
      'spiffe://acme.credence.example/agent/a/b/c',
      'spiffe://acme.credence.example/agent/../agent',
    ]),
  ],
  ['malformed', each('authority', [...notText, 'x', (was: Was) => was.toUpperCase()])],
  [
    'issuer_untrusted',
    each('authority', [
      (was: Was) => `${was}/`,
      (was: Was) => was.replace('acme', 'other'),
      (was: Was) => new URL(was).origin,
      'https://evil.example/',
    ]),
  ],
  ['malformed', each('scope', ['a:read a:read', 'a:read ', '*', 'a:*:b', 'x'.repeat(257)])],
  [
    'malformed',
    each('constraints', [
      null,
      {},
      [{}],
      [{ key: 'a' }],
      [{ key: '', max: 1 }],
      [{ key: 'a', max: '1' }],
      [{ key: 'a', max: 1, min: 1 }],
      [
        { key: 'a', max: 1 },
        { key: 'a', max: 1 },
      ],
    ]),
  ],
  ['cumulative_unsupported', each('constraints', [[{ key: 'a', max_lifetime: 1 }], [{ key: 'a', max_subtree: 1 }]])],
  [
    'malformed',
    each('evidence', [
      ...notText,
      {},
      { kind: 'none' },
      { kind: 'signed', by: 'x' },
      { kind: 'attested' },
      { kind: 'attested', by: 'x', how: 'administrator' },
      [{ kind: 'signed' }],
    ]),
  ],
  ['evidence_refused', each('evidence', [{ kind: 'passkey' }, { kind: 'passkey', credential: 'x', signature: 'x' }])],
  [
    'malformed',
    [...each('par_hash', ['', null, 1, 'A'.repeat(43)]), ...each('task', ['', 'a b', 1]), ...each('sid', ['', null])],
  ],
  ['scope_not_granted', each('scope', ['b:read', 'a:read b:read', 'A:read', '*:a'.replace('*', 'z')])],
  [
    'principal_altered',
    each('sub', ['psn_AAAAAAAAAAAAAAAAAAAAAA', (was: Was) => `${was.slice(0, -1)}${was.endsWith('A') ? 'Q' : 'A'}`]),
  ],
  [
    'delegator_unknown',
    [
      { iss: 'psn_AAAAAAAAAAAAAAAAAAAAAA', sub: 'psn_AAAAAAAAAAAAAAAAAAAAAA' },
      ...['agent', 'nobody'].map((handle) => ({
        iss: `spiffe://acme.credence.example/agent/${handle}`,
        sub: `spiffe://acme.credence.example/agent/${handle}`,
      })),
    ],
  ],
]

/** One with these claims changed. */
export function changed(change: Change): Forgery['forge'] {
  return withPayload((payload) => {
    const made = Object.entries(change).map(([claim, value]) => [
      claim,
      typeof value === 'function' ? value(payload[claim]) : value,
    ])
    return { ...payload, ...Object.fromEntries(made) }
  })
}

export const nameOf = (change: Change) =>
  Object.entries(change)
    .map(([claim, value]) => `${claim} ${typeof value === 'function' ? `${value}`.slice(0, 60) : named(value)}`)
    .join(', ')

const rows: Record<Door['kind'], Row[]> = { 'access token': accessToken, assertion, proof, statement }

/** All that a thing of this kind can say wrongly. */
export function claimsOf(kind: Door['kind']): Forgery[] {
  return rows[kind].flatMap(([flaw, changes]) =>
    changes.map((change): Forgery => ({ name: nameOf(change), flaws: [flaw], forge: changed(change) })),
  )
}
