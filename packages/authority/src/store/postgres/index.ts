import type { Store } from '../port.ts'

export type PostgresOptions = { url: string; poolSize?: number }

export async function openPostgres(_options: PostgresOptions): Promise<Store> {
  throw new Error('not yet')
}
