import type { HttpRequest } from './request.ts'

/**
 * Where a request comes from: the connection's address, or, behind `hops` proxies of ours, what the outermost of them wrote into
 * X-Forwarded-For. What stands further left was written by the caller and is not believed. IPv6 counts by its /64.
 */
export function addressOf({ connection, headers }: Pick<HttpRequest, 'connection' | 'headers'>, hops: number): string {
  if (hops === 0) return network(connection ?? 'unknown')
  const entries = (headers.get('x-forwarded-for') ?? '').split(',').map((entry) => entry.trim())
  return network(entries.at(-hops) || connection || 'unknown')
}

/** Who counts as one: an IPv4 address, or the /64 that an IPv6 address is in. */
export function network(address: string): string {
  // Some proxies write the port as well, which is another one for each connection of the same caller.
  const host = address.replace(/^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2')
  const bare = host
    .replace(/^::ffff:/i, '')
    .slice(0, 64)
    .toLowerCase()
  if (!bare.includes(':')) return bare || 'unknown'
  const [head = '', tail] = bare.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const after = tail?.split(':').filter((group) => group !== '') ?? []
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':') || 'unknown'
}
