import { createAgent } from '@credence/sdk'
import { protect } from '@credence/sdk/express'
import { createVerifier, type Verifier } from '@credence/sdk/verify'
import type { RequestHandler } from 'express'
import type { JSONWebKeySet } from 'jose'
import { expressBehind, fastJwtVerifier, joseVerifier, oauth2JwtBearer } from './peers/verifiers.ts'
import type { Contestant } from './race.ts'
import { type Drawn, delegated, importJwk, proofs, type Signature, signatureOf, verifyBare } from './verify_tokens.ts'
import { bearerToken, type World } from './world.ts'

export const DEPTHS = [1, 4] as const

export const names = {
  bare: 'bare signature check of an access token',
  cold: 'credence, token not seen before',
  jose: 'jose.jwtVerify, local key set',
  fastJwtCold: 'fast-jwt, no cache',
  warm: 'credence, repeated token, lineage checked',
  fastJwtWarm: 'fast-jwt, repeated token in its cache',
  bareProof: 'bare signature check of a DPoP proof',
  proven: 'credence, repeated token, fresh DPoP proof',
  express: 'express, credence, repeated token',
  expressCold: 'express, credence, token not seen before',
  expressPeer: 'express, express-oauth2-jwt-bearer',
  expressProven: 'express, credence, repeated token, fresh DPoP proof',
  expressPeerProven: 'express, express-oauth2-jwt-bearer, fresh DPoP proof',
  bareAt: (depth: number) => `bare signature check of a delegated token, depth ${depth}`,
  coldAt: (depth: number) => `credence, token not seen before, delegated, depth ${depth}`,
  bareChain: (depth: number) => `bare signature checks of a token and its statements, depth ${depth}`,
  provenChain: (depth: number) => `credence, token not seen before, chain proven, depth ${depth}`,
} as const

/** One that remembers tokens, and one with room for a single one: two tokens in turn are strangers to it each time. */
export const verifiersOf = ({ issuer, audience, operator: { clientId, key } }: World) => {
  const operator = createAgent({ issuer, clientId, key })
  const verifying = (keep: number) =>
    createVerifier({ resource: audience, issuers: [{ issuer, operator }], proof: 'optional', keep })
  return { warm: verifying(1000), cold: verifying(1) }
}

export const contestantsOf = async (
  world: World,
  { warm, cold }: { warm: Verifier; cold: Verifier },
): Promise<Contestant[]> => {
  const { issuer, audience, scope } = world
  const keySet = (await (await fetch(`${issuer}/jwks`)).json()) as JSONWebKeySet
  const tokens = await Promise.all([bearerToken(world), bearerToken(world)])
  const { kid } = JSON.parse(Buffer.from(tokens[0].split('.')[0] ?? '', 'base64url').toString()) as { kid: string }
  const issuerKey = await importJwk(keySet.keys.find((key) => key.kid === kid) as JsonWebKey)
  const resource = { issuer, audience, keySet, kid }
  const [fastCold, fastWarm] = [fastJwtVerifier(resource, false), fastJwtVerifier(resource, true)]
  const bound = await createAgent({ issuer, ...world.agent }).token({ resource: audience, scope })

  const requests = tokens.map((token) => requestWith(audience, token))
  const calls = { cold: 12_000, warm: 200_000 }
  const guarded = (verifier: Verifier) => expressBehind(protect(verifier, { scope }) as RequestHandler)
  const [express, expressCold, expressPeer] = [guarded(warm), guarded(cold), expressBehind(oauth2JwtBearer(resource))]
  const bearers = tokens.map((token) => ({ authorization: `Bearer ${token}` }))
  const twoOf = <T>(two: readonly T[], call: number): T => two[call % 2] as T

  return [
    bare(names.bare, calls.cold, () => tokens.map((token) => [signatureOf(token, issuerKey)])),
    { name: names.cold, calls: calls.cold, run: (call) => permitted(cold, twoOf(requests, call), { scope }) },
    { name: names.jose, calls: calls.cold, run: alternating(joseVerifier(resource), tokens) },
    { name: names.fastJwtCold, calls: calls.cold / 2, run: alternating(fastCold, tokens) },
    { name: names.warm, calls: calls.warm, run: () => permitted(warm, twoOf(requests, 0), { scope }) },
    { name: names.fastJwtWarm, calls: calls.warm / 4, run: async () => fastWarm(tokens[0]) },
    ...(await withProofs(world, bound.value, warm, [express, expressPeer])),
    ...(
      await Promise.all(
        DEPTHS.map(async (depth) => chained(cold, world, depth, await delegated(world, depth, issuerKey))),
      )
    ).flat(),
    { name: names.express, calls: calls.cold * 2, run: () => express(twoOf(bearers, 0)) },
    { name: names.expressCold, calls: calls.cold / 2, run: (call) => expressCold(twoOf(bearers, call)) },
    { name: names.expressPeer, calls: calls.cold / 2, run: (call) => expressPeer(twoOf(bearers, call)) },
  ]
}

const requestWith = (audience: string, token: string, proof?: string): Request =>
  new Request(`${audience}/records`, {
    headers:
      proof === undefined ? { authorization: `Bearer ${token}` } : { authorization: `DPoP ${token}`, dpop: proof },
  })

const permitted = async (...[verifier, ...call]: [Verifier, ...Parameters<Verifier['verify']>]): Promise<void> => {
  const verdict = await verifier.verify(...call)
  if (!verdict.ok) throw verdict.refusal
}

const alternating =
  (verify: (token: string) => unknown, tokens: readonly string[]) =>
  async (call: number): Promise<unknown> =>
    verify(tokens[call % tokens.length] as string)

/** Nothing but the signature checks: of one token's signatures after the other. `signatures` is asked anew each round. */
const bare = (name: string, calls: number, signatures: () => ReadonlyArray<readonly Signature[]>): Contestant => {
  let tokens = signatures()
  return {
    name,
    calls,
    prepare: async () => {
      tokens = signatures()
    },
    run: async (call) => {
      for (const signature of tokens[call % tokens.length] ?? []) {
        if (!(await verifyBare(signature))) throw new Error('a signature does not verify')
      }
    },
  }
}

type Express = ReturnType<typeof expressBehind>

/** A bound token, with a proof for each call: the bare check of the proofs, and the whole verification. */
const withProofs = async (
  { agent, audience, scope }: World,
  token: string,
  verifier: Verifier,
  [express, expressPeer]: [Express, Express],
): Promise<Contestant[]> => {
  const holderKey = await importJwk(agent.key.publicJwk)
  const each = <T>(name: string, make: (proof: string) => T, run: (made: T) => unknown): Contestant => {
    let made: T[] = []
    return {
      name,
      calls: 8_000,
      prepare: async (calls) => {
        made = (await proofs(agent.key, `${audience}/records`, token, calls)).map(make)
      },
      run: (call) => run(made[call] as T),
    }
  }
  const headers = (proof: string) => ({ authorization: `DPoP ${token}`, dpop: proof })
  const request = (proof: string) => requestWith(audience, token, proof)
  return [
    each(names.bareProof, (proof) => signatureOf(proof, holderKey), verifyBare),
    each(names.proven, request, (made) => permitted(verifier, made, { scope })),
    each(names.expressProven, headers, express),
    each(names.expressPeerProven, headers, expressPeer),
  ]
}

/** Delegated tokens that are strangers each time: as they are verified ordinarily, and with each statement of the chain proven. */
const chained = (verifier: Verifier, world: World, depth: number, drawn: readonly Drawn[]): Contestant[] => {
  const { audience, scope } = world
  const requests = drawn.map(({ token }) => requestWith(audience, token))
  const calls = 6_000
  const strange = (call: number, more: object) =>
    permitted(verifier, requests[call % requests.length] as Request, { scope, ...more })
  return [
    bare(names.bareAt(depth), calls, () => drawn.map(({ signatures }) => signatures.slice(0, 1))),
    { name: names.coldAt(depth), calls, run: (call) => strange(call, {}) },
    bare(names.bareChain(depth), calls / 2, () => drawn.map(({ signatures }) => signatures)),
    { name: names.provenChain(depth), calls: calls / 2, run: (call) => strange(call, { chain: 'prove' }) },
  ]
}
