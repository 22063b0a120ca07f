// A22, A24, A25 and A38 of the attack list: what an access token says.

import { newId } from '@credence/protocol'
import { type Change, each, long, missing, notText, notTime, now, type Row, type Was } from './changing.ts'

export const accessToken: Row[] = [
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
