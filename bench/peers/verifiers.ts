/** Other verifiers, each as its own documentation sets it up for tokens like ours: `at+jwt`, ES256, one issuer, one audience. */
import { createPublicKey } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import express, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import { createVerifier as createFastJwtVerifier } from 'fast-jwt'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'

/** `kid`: of the key in the set that signs the tokens now. */
export type Resource = { issuer: string; audience: string; keySet: JSONWebKeySet; kid: string }

const algorithms = ['ES256']

export const joseVerifier = ({ issuer, audience, keySet }: Resource): ((token: string) => Promise<unknown>) => {
  const keys = createLocalJWKSet(keySet)
  return (token) => jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms })
}

/** It verifies on the calling thread; with its cache, a token it has seen is looked up by its hash. */
export const fastJwtVerifier = (
  { issuer, audience, keySet, kid }: Resource,
  cache: boolean,
): ((token: string) => unknown) => {
  const jwk = keySet.keys.find((each) => each.kid === kid)
  if (jwk === undefined) throw new Error('the key that signs is not in the set')
  const key = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
  return createFastJwtVerifier({
    key,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: 'at+jwt',
    cache,
  })
}

/** It has no memory of tokens, fetches the key set once, and checks proofs where the scheme is DPoP, all but their single use. */
export const oauth2JwtBearer = ({ issuer, audience }: Resource): RequestHandler =>
  auth({ issuer, audience, jwksUri: `${issuer}/jwks`, tokenSigningAlg: 'ES256' })

type Call = IncomingMessage & { passed: () => void; failed: (reason: unknown) => void }

const socket = new Socket()

/** An Express application with one route behind a guard, called in this process: no socket, no HTTP parser. */
export const expressBehind = (guard: RequestHandler): ((headers: Record<string, string>) => Promise<void>) => {
  const app = express()
  app.get('/records', guard, ((request) => (request as unknown as Call).passed()) as RequestHandler)
  app.use(((error, request, _response, _next) => (request as unknown as Call).failed(error)) as ErrorRequestHandler)
  return (given) =>
    new Promise((passed, failed) => {
      const request = Object.assign(new IncomingMessage(socket), { method: 'GET', url: '/records', passed, failed })
      request.headers = { host: 'localhost:7000', ...given }
      request.rawHeaders = Object.entries(request.headers).flat() as string[]
      const response = new ServerResponse(request)
      response.end = () => {
        failed(new Error(`refused with ${response.statusCode}`))
        return response
      }
      app(request as never, response as never)
    })
}
