import { createDpopProof, refuse, type SigningKey } from '@credence/protocol'
import type { Runtime } from '../runtime.ts'
import type { AccessToken } from './access_token.ts'
import type { Nonces } from './nonces.ts'

const mostRedirects = 5

export type Caller = {
  runtime: Runtime
  nonces: Nonces
  proofKey: () => Promise<SigningKey>
  /** The token for this call, and what to do when the resource refuses it. */
  tokenFor: () => Promise<AccessToken>
  forget: (token: AccessToken) => void
}

/**
 * A signed call. The token goes to its resource's origin and nowhere else: a redirect within that origin is followed and
 * signed anew, one to another origin is refused. A 401 that brings a DPoP nonce is answered once with that nonce.
 *
 * @throws Refusal `origin_refused`, `redirect_refused`, and what obtaining the token may refuse
 */
export async function call(caller: Caller, resource: string, url: string | URL, init: RequestInit): Promise<Response> {
  const { origin } = new URL(resource)
  let target = new URL(url)
  let request = init
  for (let hops = 0; ; hops++) {
    if (target.origin !== origin) return refuse(hops === 0 ? 'origin_refused' : 'redirect_refused')
    const response = await signed(caller, target, request)
    const location = response.headers.get('location')
    const followed = isRedirect(response.status) && location !== null && init.redirect !== 'manual'
    // A browser hides where a redirect points (status 0); it cannot be checked, so it is not followed.
    if (response.type === 'opaqueredirect') return refuse('redirect_refused')
    if (!followed) return response
    if (init.redirect === 'error' || hops >= mostRedirects || !URL.canParse(location, target.href)) {
      return refuse('redirect_refused')
    }
    await response.body?.cancel()
    target = new URL(location, target)
    request = redirected(request, response.status)
  }
}

async function signed(caller: Caller, target: URL, init: RequestInit): Promise<Response> {
  const token = await caller.tokenFor()
  let response = await send(caller, token, target, init)
  if (response.status !== 401) {
    caller.nonces.learn(target.href, response.headers)
    return response
  }
  const challenge = response.headers.get('www-authenticate') ?? ''
  const nonceGiven = caller.nonces.learn(target.href, response.headers) && challenge.includes('use_dpop_nonce')
  if (nonceGiven && token.type === 'DPoP' && canRepeat(init.body)) {
    await response.body?.cancel()
    response = await send(caller, token, target, init)
    caller.nonces.learn(target.href, response.headers)
  } else if (challenge.includes('invalid_token')) {
    caller.forget(token)
  }
  return response
}

async function send(caller: Caller, token: AccessToken, target: URL, init: RequestInit): Promise<Response> {
  const method = init.method?.toUpperCase() ?? 'GET'
  const headers = new Headers(init.headers)
  headers.set('authorization', `${token.type} ${token.value}`)
  if (token.type === 'DPoP') {
    const nonce = caller.nonces.of(target.href)
    const proof = await createDpopProof(await caller.proofKey(), {
      method,
      url: target.href,
      now: Math.floor(caller.runtime.clock.nowMs() / 1000),
      accessToken: token.value,
      ...(nonce !== undefined && { nonce }),
    })
    headers.set('dpop', proof)
  }
  return caller.runtime.fetch(target.href, { ...init, method, headers, redirect: 'manual' })
}

/** The Fetch standard's HTTP-redirect fetch, §4.4: what becomes of method and body. */
function redirected(init: RequestInit, status: number): RequestInit {
  const method = init.method?.toUpperCase() ?? 'GET'
  const becomesGet = status === 303 ? !['GET', 'HEAD'].includes(method) : status < 303 && method === 'POST'
  if (!becomesGet)
    return canRepeat(init.body) ? init : refuse('redirect_refused', { detail: 'A streamed body is sent once.' })
  const headers = new Headers(init.headers)
  for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location']) {
    headers.delete(name)
  }
  const { body: _, ...rest } = init
  return { ...rest, method: 'GET', headers }
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

function canRepeat(body: RequestInit['body']): boolean {
  return (
    !(body instanceof ReadableStream) && !(typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  )
}
