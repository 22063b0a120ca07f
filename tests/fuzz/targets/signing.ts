// Who signs what the targets read, and when; and the ids that are spoken of.

import { textOf } from '../target.ts'
import { compactOf, testKey } from './keys.ts'

export const issuer = 'https://id.example.com'
export const audience = 'https://api.example/'
export const now = 1_800_000_000
export const org = `org_${'o'.repeat(21)}A`
export const agentId = `agt_${'a'.repeat(21)}A`
export const person = `psn_${'p'.repeat(21)}A`
export const alpha = 'spiffe://acme.example.com/agent/alpha'
export const beta = 'spiffe://acme.example.com/agent/beta'
export const tokenId = `tok_${'t'.repeat(21)}A`
export const hash = `${'h'.repeat(42)}A`
export const source = (...names: string[]) => names.map((name) => `packages/protocol/src/${name}.ts`)
export const signer = await testKey('k1', 'EdDSA')
export const keys = (_issuer: string, kid: string | undefined) => (kid === 'k1' ? signer.publicKey : undefined)

/** The first two lines as header and payload, signed. */
export function signedLines(input: Uint8Array): string {
  const [header = '', payload = ''] = textOf(input).split('\n')
  return compactOf(signer, header, payload)
}
