import type { Connection } from './connection.ts'

type Page<T> = { items: T[]; next_cursor?: string }

/** Everything in a list of the API, page by page, up to `most`. `more`: whether that was not all. */
export async function listAll<T>(
  api: Connection,
  path: string,
  query: Record<string, string | undefined> = {},
  most = 1_000,
): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = []
  for (let cursor: string | undefined; ; ) {
    const search = new URLSearchParams({ limit: '200' })
    for (const [name, value] of Object.entries({ ...query, cursor })) if (value !== undefined) search.set(name, value)
    const page = await api.get<Page<T>>(`${path}?${search}`)
    items.push(...page.items)
    cursor = page.next_cursor
    if (cursor === undefined || items.length >= most) return { items: items.slice(0, most), more: cursor !== undefined }
  }
}

/** Escapes one id or handle for a path. */
export function part(text: string): string {
  return encodeURIComponent(text)
}
