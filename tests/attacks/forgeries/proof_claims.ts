// A22 and A36 of the attack list: what a proof says.

import { type Change, each, missing, notText, notTime, now, type Row, type Was } from './changing.ts'

export const proof: Row[] = [
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
