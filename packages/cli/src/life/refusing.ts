import type { Fetch } from '@credence/sdk'

/** A refusal as it came over the wire. */
export type Refusing = { status: number; error: string; code: string; says: string }

/** `fetch`, and what it last heard of an authority's refusal: the life shows what was really answered, not what the SDK made of it. */
export function listeningFetch(): { fetch: Fetch; refusedWith(): Refusing | undefined } {
  let heard: Refusing | undefined
  return {
    refusedWith: () => heard,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      if (response.status >= 400 && response.headers.get('content-type')?.includes('json')) {
        heard = readRefusing(response.status, await response.clone().text()) ?? heard
      }
      return response
    },
  }
}

function readRefusing(status: number, text: string): Refusing | undefined {
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    const { error, error_code: code, error_description: says } = body
    return typeof error === 'string' ? { status, error, code: String(code), says: String(says) } : undefined
  } catch {
    return undefined
  }
}
