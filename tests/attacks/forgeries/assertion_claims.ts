// A22, A31 and A33 of the attack list: what a client assertion says.

import { each, notText, notTime, now, type Row, type Was } from './changing.ts'

export const assertion: Row[] = [
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
