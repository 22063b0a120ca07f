import { isJsonObject, type JsonObject, type JsonValue, parseJson, refuseAtUse as refuse } from '@credence/protocol'
import type { Runtime } from './runtime.ts'

export type Answer = { status: number; headers: Headers; text: string }

/**
 * One request whose answer is small: bounded in time and size, and no redirect is followed (a credential or a key set that
 * comes from elsewhere is not the one asked for).
 *
 * @throws Refusal `authority_unreachable`
 */
export async function ask(
  runtime: Pick<Runtime, 'fetch' | 'clock'>,
  url: string,
  init: RequestInit = {},
  limits: { timeoutMs?: number; maxBytes?: number } = {},
): Promise<Answer> {
  const patience = new AbortController()
  const cancel = runtime.clock.after(limits.timeoutMs ?? 10_000, () => patience.abort())
  try {
    const response = await runtime.fetch(url, { ...init, redirect: 'manual', signal: patience.signal })
    const text = await readText(response, limits.maxBytes ?? 65_536)
    return { status: response.status, headers: response.headers, text }
  } catch (cause) {
    return refuse('authority_unreachable', { cause })
  } finally {
    cancel()
  }
}

/** The body as text, or an error once it grows past `maxBytes`. */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    size += value.byteLength
    if (size > maxBytes) {
      await reader.cancel()
      throw new Error(`an answer of more than ${maxBytes} bytes`)
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** @throws Refusal `authority_answer_invalid` when the text is no JSON object. */
export function readObject(text: string, maxBytes = 65_536): JsonObject {
  let value: JsonValue
  try {
    value = parseJson(text, { maxBytes, maxMembers: 10_000 })
  } catch (cause) {
    return refuse('authority_answer_invalid', { cause })
  }
  return isJsonObject(value) ? value : refuse('authority_answer_invalid')
}
