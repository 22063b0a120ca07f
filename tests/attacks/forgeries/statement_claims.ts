// A22, A24 and A71 of the attack list: what a delegation statement says.

import { each, notText, notTime, now, type Row, type Was } from './changing.ts'

export const statement: Row[] = [
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
