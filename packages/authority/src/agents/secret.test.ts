import { newId } from '@credence/protocol'
import { expect, test } from 'vitest'
import { newSecret, readSecret, sameHash } from './secret.ts'

test.each(['client_secret', 'api_key', 'administrator'] as const)('a %s says which it is and proves it', (kind) => {
  for (let n = 0; n < 200; n += 1) {
    const id = newId(kind === 'administrator' ? 'adm' : 'crd')
    const { text, hash } = newSecret(kind, id)
    expect(readSecret(text)).toEqual({ kind, id, hash })
    expect(hash).not.toContain(text.slice(-43))
  }
})

test.each([
  '',
  'credence_cs_',
  `credence_xx_${'A'.repeat(22)}_${'A'.repeat(43)}`,
  `credence_cs_${'A'.repeat(22)}_${'A'.repeat(42)}`,
])('%s is no secret of ours', (text) => expect(readSecret(text)).toBeUndefined())

test('hashes are the same or not, also when there is none to compare with', () => {
  const { hash } = newSecret('api_key', newId('crd'))
  expect(sameHash(hash, hash)).toBe(true)
  expect(sameHash('', hash)).toBe(false)
  expect(sameHash(hash, newSecret('api_key', newId('crd')).hash)).toBe(false)
})
