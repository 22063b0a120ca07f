import { expect, test } from 'vitest'
import { protectedResourceMetadata, protectedResourceMetadataUrl } from '../verify.ts'

test('a resource describes itself, at the place RFC 9728 gives it', () => {
  expect(protectedResourceMetadataUrl('https://api.example')).toBe(
    'https://api.example/.well-known/oauth-protected-resource',
  )
  expect(protectedResourceMetadataUrl('https://api.example/ledger?x=1')).toBe(
    'https://api.example/.well-known/oauth-protected-resource/ledger?x=1',
  )
  const about = {
    resource: 'https://api.example/ledger',
    issuers: ['https://authority.example'],
    scopes: ['ledger:read'],
  }
  expect(protectedResourceMetadata(about)).toEqual({
    resource: 'https://api.example/ledger',
    authorization_servers: ['https://authority.example'],
    bearer_methods_supported: ['header'],
    dpop_bound_access_tokens_required: true,
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256'],
    scopes_supported: ['ledger:read'],
  })
  expect(protectedResourceMetadata({ ...about, proof: 'optional' }).dpop_bound_access_tokens_required).toBe(false)
})
