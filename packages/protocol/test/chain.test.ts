import { describe, expect, test } from 'vitest'
import { encode } from '../src/base64url.ts'
import { joinChain, splitChain } from '../src/delegation/chain.ts'
import {
  delegationId,
  newStatement,
  readStatement,
  type Statement,
  signStatement,
} from '../src/delegation/statement.ts'
import { hashText } from '../src/digest.ts'
import { agentSpiffeId, isId, newId } from '../src/identifiers.ts'
import type { JsonObject } from '../src/json.ts'
import { signJws } from '../src/jws.ts'
import {
  alpha,
  authority,
  below,
  beta,
  betaInstance,
  crm,
  delta,
  files,
  gamma,
  keyFor,
  keyOf,
  mail,
  now,
  person,
  root,
  signed,
  verify,
} from './delegation_world.ts'
import { outcome } from './outcome.ts'

const action = { audience: crm, scope: ['crm:read'], arguments: { rows: 5 } }
const twoHops = (words: Partial<Statement> = {}) => {
  const first = root()
  return signed(first, below(first, beta, words))
}

describe('a chain', () => {
  test('of three hops verifies, with its principal and its leaf', async () => {
    const [first, second] = [root(), below(root(), beta)]
    const third = below(second, gamma, { scope: 'crm:read', aud: [crm], exp: now + 60 })
    const chain = await signed(first, second, third)
    const holder = { agent: gamma }
    const verified = await verify(chain, { action, holder, standing: async () => 'alive' })
    expect(verified.principal).toBe(person)
    expect(verified.leaf.statement.jti).toBe(third.jti)
    expect(verified.hops.map(({ compact }) => compact)).toEqual(chain)
    expect(verified.leaf.hash).toBe(await hashText((chain[2] as string).split('.').slice(0, 2).join('.')))
  })

  test('travels as one text', async () => {
    const chain = await twoHops()
    expect(splitChain(joinChain(chain))).toEqual(chain)
    for (const text of ['', '~', 'a~', 'a~~b']) expect(await outcome(() => splitChain(text))).toBe('malformed')
    expect(splitChain('a~'.repeat(7).concat('a'))).toHaveLength(8)
    expect(await outcome(() => splitChain('a~'.repeat(8).concat('a')))).toBe('depth_invalid')
  })

  test('to one instance is for that instance, and its agent hands it on', async () => {
    const first = root()
    const toInstance = below(first, betaInstance)
    const chain = await signed(first, toInstance)
    const held = (holder: { agent: string; instance?: string }) => outcome(() => verify(chain, { holder }))
    expect(await held({ agent: beta, instance: betaInstance })).toBe('accepted')
    expect(await held({ agent: beta })).toBe('holder_binding_failed')
    expect(await held({ agent: beta, instance: `${betaInstance}x` })).toBe('holder_binding_failed')
    expect(await held({ agent: gamma, instance: betaInstance })).toBe('holder_binding_failed')
    expect(await outcome(async () => verify(await signed(first, toInstance, below(toInstance, gamma))))).toBe(
      'accepted',
    )
  })

  test('to an agent is for every instance of it', async () => {
    const holder = { agent: beta, instance: betaInstance }
    expect(await outcome(async () => verify(await twoHops(), { holder }))).toBe('accepted')
  })

  test('may begin with a hop that the authority attests', async () => {
    const by = newId('adm')
    const attested = root({ evidence: { kind: 'attested', by, how: 'administrator' } })
    expect(await outcome(async () => verify(await signed(attested)))).toBe('accepted')
    const forged = await signStatement(keyFor(alpha), attested)
    expect(await outcome(() => verify([forged]))).toBe('delegator_unknown')
  })

  test('goes on to onward resources on behalf of the caller, and only there', async () => {
    const first = root()
    const evidence = { kind: 'attested', by: newId('agt'), how: 'on_behalf_of', token: newId('tok') } as const
    const { onward: _, ...rest } = below(first, beta, { evidence })
    const outcomeAt = async (aud: string[], hop: Partial<Statement> = {}) =>
      outcome(async () => verify(await signed(first, { ...rest, aud, ...hop })))
    expect(await outcomeAt([mail])).toBe('accepted')
    expect(await outcomeAt([mail], { onward: [mail] })).toBe('accepted')
    expect(await outcomeAt([crm])).toBe('not_narrower')
    expect(await outcomeAt([mail], { onward: [crm] })).toBe('not_narrower')
    // Without the authority's word, `onward` is not a resource to be used.
    expect(await outcomeAt([mail], { evidence: { kind: 'signed' } })).toBe('not_narrower')
  })

  test('rests on the signed words and not on the signature', async () => {
    const first = root()
    const [one = '', again = ''] = [...(await signed(first)), ...(await signed(first))]
    const child = below(first, beta, { par_hash: (await readStatement(one)).hash })
    expect(one).not.toBe(again)
    expect((await readStatement(one)).id).toBe((await readStatement(again)).id)
    expect(await outcome(async () => verify([again, await signStatement(keyFor(alpha), child)]))).toBe('accepted')
  })
})

describe('refusals', () => {
  test.each<[string, string, Partial<Statement>]>([
    ['scope', 'not_narrower', { scope: 'crm:* mail:*' }],
    ['aud', 'not_narrower', { aud: [crm, mail] }],
    ['onward', 'not_narrower', { onward: [mail, files] }],
    ['constraints: looser', 'not_narrower', { constraints: [{ key: 'rows', max: 101 }] }],
    ['constraints: dropped', 'not_narrower', { constraints: [] }],
    ['max_depth', 'not_narrower', { max_depth: 3 }],
    ['exp', 'expired', { exp: now + 3601 }],
    ['sub', 'principal_altered', { sub: beta }],
    ['iss', 'par_hash_mismatch', { iss: gamma }],
    ['par_hash', 'par_hash_mismatch', { par_hash: 'AAAA' }],
    ['iat', 'expired', { iat: now + 100 }],
    ['authority', 'issuer_untrusted', { authority: 'https://other.example.com' }],
    ['evidence', 'evidence_refused', { evidence: { kind: 'passkey', credential: 'x' } }],
  ])('a hop that alters %s: %s', async (_, code, words) => {
    const first = root()
    const hop = below(first, beta, words)
    const [rooted = ''] = await signed(first)
    const par_hash = words.par_hash ?? (await readStatement(rooted)).hash
    const key = keyFor([person, alpha, beta, gamma].includes(hop.iss) ? hop.iss : alpha)
    const chain = [rooted, await signStatement(key, { ...hop, par_hash })]
    expect(await outcome(() => verify(chain))).toBe(code)
  })

  test('a task stays what it is, and may be set where there was none', async () => {
    const first = root({ task: 'T-1' })
    const { task: _, ...none } = below(first, beta)
    expect(await outcome(async () => verify(await signed(first, below(first, beta))))).toBe('accepted')
    expect(await outcome(async () => verify(await signed(first, none)))).toBe('not_narrower')
    expect(await outcome(async () => verify(await signed(first, { ...none, task: 'T-2' })))).toBe('not_narrower')
    expect(await outcome(async () => verify(await twoHops({ task: 'T-1' })))).toBe('accepted')
  })

  test('so does a session', async () => {
    const first = root({ sid: 'S-1' })
    const { sid: _, ...none } = below(first, beta)
    expect(await outcome(async () => verify(await signed(first, below(first, beta))))).toBe('accepted')
    expect(await outcome(async () => verify(await signed(first, none)))).toBe('not_narrower')
    expect(await outcome(async () => verify(await signed(first, { ...none, sid: 'S-2' })))).toBe('not_narrower')
  })

  test('a root that is not the principal’s own, names a parent, or was signed by another', async () => {
    expect(await outcome(async () => verify(await signed(root({ iss: alpha, delegate: beta }))))).toBe(
      'principal_altered',
    )
    const [, lower = ''] = await twoHops()
    expect(await outcome(() => verify([lower]))).toBe('malformed')
    expect(await outcome(async () => verify([await signStatement(keyFor(alpha), root())]))).toBe('delegator_unknown')
    const stranger = { ...keyFor(alpha), kid: keyFor(person).kid }
    expect(await outcome(async () => verify([await signStatement(stranger, root())]))).toBe('signature_invalid')
  })

  test('parts of two chains, each valid', async () => {
    const [one, other] = [root(), root({ scope: 'crm:*' })]
    const [, childOfOne = ''] = await signed(one, below(one, beta))
    const [rootOfOther = ''] = await signed(other)
    expect(await outcome(() => verify([rootOfOther, childOfOne]))).toBe('par_hash_mismatch')
  })

  test('hops left out, turned round or doubled', async () => {
    const first = root()
    const second = below(first, beta)
    const chain = await signed(first, second, below(second, gamma))
    const [a = '', b = '', c = ''] = chain
    for (const [order, code] of [
      [[a, c], 'par_hash_mismatch'],
      [[a, c, b], 'par_hash_mismatch'],
      [[b, c], 'malformed'],
      [[b, a, c], 'malformed'],
      [[a, a, b, c], 'par_hash_mismatch'],
      [[], 'malformed'],
    ] as const) {
      expect(await outcome(() => verify(order))).toBe(code)
    }
  })

  test('more hops than the root, the verifier or anybody allows', async () => {
    const first = root({ max_depth: 1 })
    const second = below(first, beta)
    const third = below(second, gamma)
    expect(await outcome(async () => verify(await signed(first, second)))).toBe('accepted')
    expect(await outcome(async () => verify(await signed(first, second, third)))).toBe('depth_invalid')
    expect(await outcome(async () => verify(await signed(first, second), { maxDepth: 1 }))).toBe('depth_invalid')
    const long: Statement[] = [root({ max_depth: 200 })]
    while (long.length < 9) long.push(below(long.at(-1) as Statement, [alpha, beta][long.length % 2] as string))
    expect(await outcome(async () => verify(await signed(...long.slice(0, 8))))).toBe('accepted')
    expect(await outcome(async () => verify(await signed(...long), { maxDepth: 100 }))).toBe('depth_invalid')
  })

  test('time: over, not begun, within tolerance', async () => {
    const chain = await twoHops({ exp: now + 60 })
    const at = (time: number, toleranceSeconds?: number) =>
      outcome(() => verify(chain, { now: time, ...(toleranceSeconds !== undefined && { toleranceSeconds }) }))
    expect([await at(now + 64), await at(now + 65), await at(now + 60, 0)]).toEqual(['accepted', 'expired', 'expired'])
    expect([await at(now - 5), await at(now - 6)]).toEqual(['accepted', 'expired'])
  })

  test('standing, and what the action is', async () => {
    const chain = await twoHops()
    const standing = (answer: string) => outcome(() => verify(chain, { standing: async () => answer as 'alive' }))
    expect([
      await standing('alive'),
      await standing('revoked'),
      await standing('unknown'),
      await standing('?'),
    ]).toEqual(['accepted', 'revoked', 'status_unknown', 'status_unknown'])
    const acting = (words: object) => outcome(() => verify(chain, { action: { ...action, ...words } }))
    expect(await acting({ audience: mail })).toBe('audience_mismatch')
    expect(await acting({ audience: `${crm}/` })).toBe('audience_mismatch')
    expect(await acting({ scope: ['crm:read', 'pay:send'] })).toBe('scope_not_granted')
    expect(await acting({ scope: ['crm:*'] })).toBe('accepted')
    expect(await acting({ arguments: { rows: 101 } })).toBe('ceiling_exceeded')
    expect(await acting({ arguments: undefined })).toBe('ceiling_exceeded')
    const unknown = root({
      constraints: [
        { key: 'rows', max: 1 },
        { key: 'quota', units: 5 },
      ],
    })
    expect(await outcome(async () => verify(await signed(unknown), { action }))).toBe('unknown_constraint')
  })

  test('come in the fixed order: of two things wrong, the earlier step is named', async () => {
    // Each entry breaks one step; a chain with the breaks of two steps is refused for the earlier.
    const steps: Array<[string, Partial<Statement>, object]> = [
      ['evidence_refused', { evidence: { kind: 'passkey' } }, {}],
      ['par_hash_mismatch', { par_hash: 'AAAA' }, {}],
      ['principal_altered', { sub: gamma }, {}],
      ['not_narrower', { scope: 'pay:*' }, {}],
      ['expired', { exp: now + 4000 }, {}],
      ['holder_binding_failed', {}, { holder: { agent: delta } }],
      ['revoked', {}, { standing: async () => 'revoked' }],
      ['audience_mismatch', {}, { action: { ...action, audience: 'https://no.example.com' } }],
    ]
    for (const [place, [code, words, checks]] of steps.entries()) {
      for (const [, otherWords, otherChecks] of steps.slice(place + 1)) {
        const chain = await twoHops({ ...otherWords, ...words })
        expect(await outcome(() => verify(chain, { ...otherChecks, ...checks }))).toBe(code)
      }
    }
  })

  test('what is wrong with the form comes before what is wrong with the signatures', async () => {
    const forged = await signStatement(keyFor(beta), root())
    expect(await outcome(() => verify([forged, 'x']))).toBe('malformed')
  })

  test('errors of who is asked for keys or standing are not swallowed', async () => {
    const broken = async () => {
      throw new Error('down')
    }
    await expect(verify(await twoHops(), { keyOf: broken })).rejects.toThrow('down')
    await expect(verify(await twoHops(), { standing: broken })).rejects.toThrow('down')
  })

  test('an algorithm that is not the registered key’s', async () => {
    const [compact = ''] = await signed(root())
    const [header = '', ...rest] = compact.split('.')
    const swapped = { ...JSON.parse(Buffer.from(header, 'base64url').toString()) }
    for (const alg of ['EdDSA', 'HS256', 'none', 'es256']) {
      const text = encode(new TextEncoder().encode(JSON.stringify({ ...swapped, alg })))
      expect(await outcome(() => verify([[text, ...rest].join('.')]))).toBe('signature_invalid')
    }
  })
})

describe('the form of a statement', () => {
  test.each<[string, JsonObject]>([
    ['a member that is not defined', { actions: ['read'] }],
    ['no principal', { sub: '' }],
    ['a principal that is a name', { sub: 'Ada' }],
    ['a delegate that is a person', { delegate: person }],
    ['a delegate below an instance', { delegate: `${betaInstance}/x` }],
    ['a delegate of another kind', { delegate: 'spiffe://acme.example.com/service/x' }],
    ['a delegator that is an instance', { iss: betaInstance }],
    ['no audience', { aud: [] }],
    ['an audience that is null', { aud: null }],
    ['an audience that is text', { aud: crm }],
    ['an audience twice', { aud: [crm, crm] }],
    ['an audience over plain http', { aud: ['http://crm.example.com'] }],
    ['an authority that is no URL', { authority: 'id' }],
    ['an empty scope', { scope: '' }],
    ['a scope with a line feed', { scope: 'crm:read\n' }],
    ['a bare wildcard', { scope: '*' }],
    ['a wildcard in the middle', { scope: 'crm:*:read' }],
    ['a constraint that is not closed', { constraints: [{ key: 'rows', max: 1, note: 'soft' }] }],
    [
      'a constraint twice',
      {
        constraints: [
          { key: 'rows', max: 1 },
          { key: 'rows', max: 2 },
        ],
      },
    ],
    ['half a second', { exp: now + 0.5 }],
    ['an end before its beginning', { exp: now }],
    ['more than 90 days', { exp: now + 90 * 86_400 + 1 }],
    ['a negative depth', { max_depth: -1 }],
    ['a task that is none', { task: ' ' }],
    ['an id of something else', { jti: newId('tok') }],
    ['an id of its own choice', { jti: newId('dlg') }],
    ['no evidence', { evidence: null }],
    ['evidence of an unknown kind', { evidence: { kind: 'sworn' } }],
    ['evidence with a member that is not defined', { evidence: { kind: 'signed', by: 'me' } }],
    ['attested by nobody', { evidence: { kind: 'attested', how: 'consent' } }],
    ['attested in an unknown way', { evidence: { kind: 'attested', by: newId('adm'), how: 'hearsay' } }],
    ['a hash that is no base64url', { par_hash: 'A+/=' }],
  ])('%s is malformed, to be signed or read', async (_, words) => {
    const wrong = { ...root(), ...words } as unknown as Statement
    expect(await outcome(() => signStatement(keyFor(person), wrong))).toBe('malformed')
    const compact = await signJws(keyFor(person), { typ: 'delegation+jwt' }, wrong as unknown as JsonObject)
    expect(await outcome(() => readStatement(compact))).toBe('malformed')
  })

  test('another type, other header members, and bytes that are not canonical', async () => {
    const key = keyFor(person)
    const payload = root() as unknown as JsonObject
    expect(await outcome(async () => readStatement(await signJws(key, { typ: 'JWT' }, payload)))).toBe('type_mismatch')
    const jwk = { typ: 'delegation+jwt', jwk: key.publicJwk }
    expect(await outcome(async () => readStatement(await signJws(key, jwk, payload)))).toBe('malformed')
    const raw = (header: string, body: string) =>
      outcome(() => readStatement([header, body, ''].map((part) => encode(new TextEncoder().encode(part))).join('.')))
    const header = `{"alg":"ES256","kid":"k","typ":"delegation+jwt"}`
    const [sorted = ''] = await signed(root())
    const body = Buffer.from(sorted.split('.')[1] ?? '', 'base64url').toString()
    expect(await raw(header, body)).toBe('accepted')
    expect(await raw(`${header} `, body)).toBe('non_canonical')
    expect(await raw(`{"kid":"k","alg":"ES256","typ":"delegation+jwt"}`, body)).toBe('non_canonical')
    expect(await raw(header, body.replace('"exp":', '"exp": '))).toBe('non_canonical')
    expect(await raw(header, body.replace('{"aud"', '{"sub":"x","aud"'))).toBe('duplicate_member')
  })

  test('has an id that follows from its words, whatever jti it claims', async () => {
    const [one = '', other = ''] = await Promise.all(
      [root(), root({ jti: root().jti, scope: 'crm:read' })].map((said) => signStatement(keyFor(person), said)),
    )
    const read = await readStatement(one)
    expect(isId(read.id, 'dlg')).toBe(true)
    expect(read.id).toBe(delegationId(read.hash))
    expect(read.hash.startsWith(read.id.slice('dlg_'.length, -1))).toBe(true)
    expect((await readStatement(other)).id).not.toBe(read.id)
  })

  test('what is made anew: a jti, 24 hours, no further hop, and no sums that nobody keeps', async () => {
    const words = { iss: person, sub: person, delegate: alpha, authority, aud: [crm], scope: 'crm:read' }
    const made = newStatement(words, now)
    expect(made).toMatchObject({ ...words, iat: now, exp: now + 86_400, max_depth: 0, evidence: { kind: 'signed' } })
    expect(newStatement({ ...words, expiresIn: 60 }, now).exp).toBe(now + 60)
    expect(newStatement({ ...words, exp: now + 7 }, now).exp).toBe(now + 7)
    expect(made.jti).not.toBe(newStatement(words, now).jti)
    const constraints = [{ key: 'spend', max_subtree: 5 }]
    expect(await outcome(() => newStatement({ ...words, constraints }, now))).toBe('cumulative_unsupported')
    expect(await outcome(() => newStatement({ ...words, expiresIn: 91 * 86_400 }, now))).toBe('malformed')
  })

  test('agents of one name in two trust domains are two', async () => {
    const first = root({ delegate: beta })
    const elsewhere = agentSpiffeId('other.example.com', 'beta')
    const hop = below(first, gamma, { iss: elsewhere })
    const [rooted = ''] = await signed(first)
    const chain = [rooted, await signStatement(keyFor(beta), { ...hop, par_hash: (await readStatement(rooted)).hash })]
    const any = async () => keyOf(beta, keyFor(beta).kid, hop)
    const keys = async (who: string, kid: string, said: Statement) => (who === person ? keyOf(who, kid, said) : any())
    expect(await outcome(() => verify(chain, { keyOf: keys }))).toBe('par_hash_mismatch')
  })
})
