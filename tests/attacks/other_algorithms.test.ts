// A01, A02 and A04 of the attack list, where the organization signs with another algorithm than most: the key says which, and nothing else does.

import { createHmac, createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doors, type Honest, prepare } from './doors.ts'
import { opened, part, signed } from './forgeries/forging.ts'
import { inBatches } from './many.ts'
import { type Stage, setStage } from './stage.ts'
import { changesBy } from './store_contents.ts'

/** The order of the group of Ed25519 (RFC 8032 §5.1), by which `S` could be raised if nobody looked. */
const order = 2n ** 252n + 27742317777372353535851937790883648493n

const little = (bytes: Buffer) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const raised = (raw: Buffer, by: bigint) => {
  const s = (little(raw.subarray(32)) + by).toString(16).padStart(64, '0')
  return Buffer.concat([raw.subarray(0, 32), Buffer.from(s, 'hex').reverse()])
}

const signatures: Record<string, Record<string, (raw: Buffer) => Buffer>> = {
  EdDSA: {
    'S raised by the order': (raw) => raised(raw, order),
    'S raised twice': (raw) => raised(raw, 2n * order),
    'S raised as far as it fits': (raw) => raised(raw, 14n * order),
    'R of small order, and S = 0': () => Buffer.concat([Buffer.of(1), Buffer.alloc(63)]),
    'R = 0 and S = 0': () => Buffer.alloc(64),
  },
  RS256: {
    zero: (raw) => Buffer.alloc(raw.length),
    one: (raw) => Buffer.concat([Buffer.alloc(raw.length - 1), Buffer.of(1)]),
    'all ones': (raw) => Buffer.alloc(raw.length, 0xff),
    'a zero more before it': (raw) => Buffer.concat([Buffer.of(0), raw]),
    'without its first byte': (raw) => raw.subarray(1),
  },
}
const common: Record<string, (raw: Buffer) => Buffer> = {
  nothing: () => Buffer.alloc(0),
  'one bit turned': (raw) => Buffer.concat([Buffer.of((raw[0] ?? 0) ^ 1), raw.subarray(1)]),
  'a byte more': (raw) => Buffer.concat([raw, Buffer.of(0)]),
  'a byte less': (raw) => raw.subarray(0, -1),
  'of P-256': () => Buffer.alloc(64, 1),
}

function forged(
  alg: string,
): Array<
  [name: string, flaw: 'algorithm_not_allowed' | 'signature_invalid', (honest: Honest) => Promise<string> | string]
> {
  const others = ['none', 'None', '', 'HS256', 'ES256', 'EdDSA', 'RS256', 'PS256', 'RS512', 'Ed448', 'ES256K'].filter(
    (other) => other !== alg,
  )
  const withSignature = (change: (raw: Buffer) => Buffer) => {
    return ({ compact }: Honest) => {
      const at = compact.lastIndexOf('.') + 1
      return compact.slice(0, at) + part(change(Buffer.from(compact.slice(at), 'base64url')))
    }
  }
  const hmac = (said: string, format: 'pem' | 'der') => {
    return ({ compact, key }: Honest) => {
      const { header, payloadText } = opened(compact)
      const secret = createPublicKey({ key: key.publicJwk as never, format: 'jwk' }).export({
        type: 'spki',
        format,
      } as never)
      const input = `${part(JSON.stringify({ ...header, alg: said }))}.${part(payloadText)}`
      return `${input}.${part(
        createHmac('sha256', secret as unknown as string)
          .update(input)
          .digest(),
      )}`
    }
  }
  return [
    ...others.map((other): ReturnType<typeof forged>[number] => [
      `said to be ${other}`,
      'algorithm_not_allowed',
      ({ compact, key }) => {
        const { header, payloadText } = opened(compact)
        return signed(key, JSON.stringify({ ...header, alg: other }), payloadText)
      },
    ]),
    ...(['pem', 'der'] as const).flatMap(
      (format): ReturnType<typeof forged> => [
        [`an HMAC with the public key, ${format}`, 'algorithm_not_allowed', hmac('HS256', format)],
        [`an HMAC with the public key, ${format}, said to be ${alg}`, 'signature_invalid', hmac(alg, format)],
      ],
    ),
    ...Object.entries({ ...common, ...signatures[alg] }).map(([name, change]): ReturnType<typeof forged>[number] => [
      `a signature: ${name}`,
      'signature_invalid',
      withSignature(change),
    ]),
  ]
}

describe.each(['EdDSA', 'RS256'] as const)('%s', (signingAlgorithm) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await setStage({ settings: { signingAlgorithm } })
    await prepare(stage)
  })
  afterAll(() => stage.stop())

  const here = doors.filter(({ kind }) => kind === 'access token')
  test.each(here.map((door) => [door.name, door] as const))('%s', async (_name, door) => {
    const honest = await door.make(stage)
    expect(honest.key.alg).toBe(signingAlgorithm)
    const changes = await changesBy(stage.authority, async () => {
      const wrong = await inBatches(forged(signingAlgorithm), async ([name, flaw, forge]) => {
        const { taken, status, code } = await door.offer(stage, await forge(honest))
        return !taken && code === door.says(flaw, 'x') && status < 500 ? [] : [{ name, flaw, taken, status, code }]
      })
      expect(wrong).toEqual([])
    })
    expect(Object.keys(changes).sort()).toEqual([...door.leaves].sort())
    if (door.takes === undefined) expect(await door.offer(stage, honest.compact)).toMatchObject({ taken: true })
  })
})
