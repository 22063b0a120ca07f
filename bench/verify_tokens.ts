import { createDpopProof, splitChain } from '@credence/protocol'
import { AgentKey, createAgent, delegateAs } from '@credence/sdk'
import { exchanging } from './token_form.ts'
import { type Furnished, unboundToken } from './world.ts'

/** A signature as it is checked: the bytes that were signed, and the key. */
export type Signature = { key: CryptoKey; bytes: Uint8Array<ArrayBuffer>; signature: Uint8Array<ArrayBuffer> }

/** A token, and the signatures of all that its chain rests on: that of the token first. */
export type Drawn = { token: string; signatures: Signature[] }

const encoder = new TextEncoder()
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }

export const verifyBare = ({ key, bytes, signature }: Signature): Promise<boolean> =>
  crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, bytes)

export const importJwk = ({ kty, crv, x, y }: JsonWebKey): Promise<CryptoKey> =>
  crypto.subtle.importKey('jwk', { kty, crv, x, y } as JsonWebKey, ecdsa, true, ['verify'])

export const signatureOf = (compact: string, key: CryptoKey): Signature => {
  const end = compact.lastIndexOf('.')
  const signature = Uint8Array.from(Buffer.from(compact.slice(end + 1), 'base64url'))
  return { key, bytes: encoder.encode(compact.slice(0, end)), signature }
}

/** Fresh proofs of possession for one URL. */
export const proofs = (key: AgentKey, url: string, accessToken: string, count: number): Promise<string[]> => {
  const now = Math.floor(Date.now() / 1000)
  return Promise.all(
    Array.from({ length: count }, () => createDpopProof(key, { method: 'GET', url, now, accessToken })),
  )
}

type Agent = Furnished['agent']

/** Tokens, unbound, of one chain from a person down through `depth` agents; two of them, so that they can take turns. */
export const delegated = async (world: Furnished, depth: number, issuerKey: CryptoKey): Promise<[Drawn, Drawn]> => {
  const { issuer, audience, scope } = world
  const personKey = await AgentKey.generate()
  const permissions = [{ resource: audience, scope: 'records:*' }]
  const person = await world.post<{ id: string }>('/v1/people', { name: 'Grace', permissions })
  await world.post(`/v1/people/${person.id}/keys`, { jwk: personKey.publicJwk })
  const agents = await Promise.all(Array.from({ length: depth }, (_, place) => world.register(`hop-${depth}-${place}`)))

  const [first, ...others] = agents as [Agent, ...Agent[]]
  const handover = { resources: [audience], scope }
  let chain = await delegateAs(
    { person: person.id, key: personKey, issuer },
    { ...handover, to: first.clientId, maxDepth: depth - 1 },
  )
  let holder = first
  for (const [place, next] of others.entries()) {
    const delegator = createAgent({ issuer, ...holder })
    chain = await delegator.delegate({ ...handover, parent: chain, to: next.clientId, maxDepth: depth - 2 - place })
    holder = next
  }
  const keys = await Promise.all([personKey, ...agents.map(({ key }) => key)].map((key) => importJwk(key.publicJwk)))
  const statements = splitChain(chain).map((statement, place) => signatureOf(statement, keys[place] as CryptoKey))
  const draw = async (): Promise<Drawn> => {
    const token = await unboundToken(world, holder, exchanging(chain))
    return { token, signatures: [signatureOf(token, issuerKey), ...statements] }
  }
  return [await draw(), await draw()]
}
