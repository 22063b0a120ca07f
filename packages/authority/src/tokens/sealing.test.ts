import { describe, expect, test } from 'vitest'
import { createSealer, newWrappingKey, parseWrappingKeys, type SealedFor } from './sealing.ts'

const context: SealedFor = { organization: 'org_a', kid: 'sgk_a', alg: 'ES256', purpose: 'signing_key' }
const secret = new TextEncoder().encode('a private key')
const code = (work: () => Promise<unknown>) =>
  work().then(
    () => 'opened',
    (error: { code: string }) => error.code,
  )
const keys = (...names: string[]) => names.flatMap((name) => parseWrappingKeys(newWrappingKey(name)))

describe('a sealer', () => {
  test('opens what it sealed, with a fresh nonce each time', async () => {
    const sealer = await createSealer(keys('k1'))
    const [one, two] = [await sealer.seal(secret, context), await sealer.seal(secret, context)]
    expect(one).not.toBe(two)
    expect(one).not.toContain('private')
    expect(await sealer.open(one, context)).toEqual(secret)
    expect(sealer.keyOf(one)).toBe('k1')
  })

  test.each(['organization', 'kid', 'alg', 'purpose'] as const)(
    'what was sealed for another %s does not open',
    async (member) => {
      const sealer = await createSealer(keys('k1'))
      const sealed = await sealer.seal(secret, context)
      expect(await code(() => sealer.open(sealed, { ...context, [member]: 'other' }))).toBe('wrapping_key_wrong')
    },
  )

  test('a changed ciphertext, nonce or key name does not open', async () => {
    const [k1, k2] = keys('k1', 'k2')
    if (!k1 || !k2) throw new Error('no keys')
    const sealer = await createSealer([k1, k2])
    const [version, name, nonce, ciphertext] = (await sealer.seal(secret, context)).split('.') as [
      string,
      string,
      string,
      string,
    ]
    const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
    for (const sealed of [
      [version, name, nonce, flip(ciphertext)],
      [version, name, flip(nonce), ciphertext],
      [version, 'k2', nonce, ciphertext],
    ]) {
      expect(await code(() => sealer.open(sealed.join('.'), context))).toBe('wrapping_key_wrong')
    }
  })

  test('the first key wraps, all open; one that is missing or wrong says which it is', async () => {
    const [old, next] = keys('old', 'next')
    if (!old || !next) throw new Error('no keys')
    const sealed = await (await createSealer([old])).seal(secret, context)
    const both = await createSealer([next, old])
    expect(await both.open(sealed, context)).toEqual(secret)
    expect(both.keyOf(await both.seal(secret, context))).toBe('next')
    const without = await createSealer([next])
    expect(await code(() => without.open(sealed, context))).toBe('wrapping_key_missing')
    const impostor = await createSealer(keys('old'))
    expect(await code(() => impostor.open(sealed, context))).toBe('wrapping_key_wrong')
  })

  test('no key, a short key, a repeated name and rubbish are refused, and no refusal repeats the key', async () => {
    expect(await code(() => createSealer([]))).toBe('wrapping_key_missing')
    expect(await code(() => createSealer([{ id: 'k1', secret: new Uint8Array(16) }]))).toBe('config_invalid')
    expect(await code(() => createSealer([...keys('k1'), ...keys('k1')]))).toBe('config_invalid')
    for (const text of ['k1', 'k1:!!!', 'k1:a:b', ':']) {
      try {
        await createSealer(parseWrappingKeys(text))
        expect.unreachable()
      } catch (error) {
        expect(error).toMatchObject({ code: 'config_invalid' })
        expect(String((error as Error).cause ?? '')).not.toContain('!!!')
      }
    }
  })
})
