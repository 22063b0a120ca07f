import { base64url, canonicalize, type JsonObject, refuse } from '@credence/protocol'
import { z } from 'zod'
import type { Call } from '../http/endpoint.ts'
import type { Organization, Services } from '../services.ts'
import { organizationSecret } from '../tokens/index.ts'
import { inQuery } from './schemas.ts'

/** What every list takes beside its own filters: `query: z.strictObject({ ...paging, owner: … })`. */
export const paging: { limit: z.ZodPreprocess<z.ZodDefault<z.ZodNumber>>; cursor: z.ZodOptional<z.ZodString> } = {
  limit: inQuery(z.number().int().min(1).max(200).default(50)),
  cursor: z.string().max(512).optional(),
}

/** Where a page ends: the value of the column the list is ordered by. */
type Place = string

/**
 * One page of a list. Reads one row more than asked for, to know whether there is another page.
 *
 * The cursor in `next_cursor` is authenticated and bound to the organization, the endpoint and its filters; one from anywhere
 * else is refused `cursor_invalid`.
 */
export async function page<Row>(
  services: Services,
  call: Call<unknown, { limit: number; cursor?: string | undefined }>,
  list: {
    read(after: Place | undefined, limit: number): Promise<Row[]>
    placeOf(row: Row): Place
  },
): Promise<{ rows: Row[]; next: { next_cursor?: string } }> {
  const { limit, cursor, ...filters } = call.query
  const bound = canonicalize({
    organization: call.organization.id,
    endpoint: `${call.endpoint.method} ${call.endpoint.path}`,
    filters: Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, String(value)])),
    params: (call.params ?? {}) as JsonObject,
  })
  const after = cursor === undefined ? undefined : await openCursor(services, call, cursor, bound)
  const found = await list.read(after, limit + 1)
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  if (found.length <= limit || last === undefined) return { rows, next: {} }
  return { rows, next: { next_cursor: await sealCursor(services, call, list.placeOf(last), bound) } }
}

async function sealCursor(services: Services, call: Call, place: Place, bound: string): Promise<string> {
  const text = JSON.stringify(place)
  const mac = await crypto.subtle.sign('HMAC', await cursorKey(services, call.organization), signed(text, bound))
  return `${base64url.encode(new TextEncoder().encode(text))}.${base64url.encode(new Uint8Array(mac))}`
}

async function openCursor(services: Services, call: Call, cursor: string, bound: string): Promise<Place> {
  const { text, mac } = readCursor(cursor)
  const key = await cursorKey(services, call.organization)
  if (!(await crypto.subtle.verify('HMAC', key, mac, signed(text, bound)))) refuse('cursor_invalid')
  return JSON.parse(text) as Place
}

function readCursor(cursor: string): { text: string; mac: Uint8Array<ArrayBuffer> } {
  const [place = '', mac = '', ...rest] = cursor.split('.')
  if (rest.length > 0) refuse('cursor_invalid')
  try {
    return { text: new TextDecoder().decode(base64url.decode(place)), mac: new Uint8Array(base64url.decode(mac)) }
  } catch {
    return refuse('cursor_invalid')
  }
}

function signed(place: string, bound: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${place}\n${bound}`)
}

async function cursorKey(services: Services, organization: Organization): Promise<CryptoKey> {
  const secret = await organizationSecret(services, organization, 'cursor')
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
}
