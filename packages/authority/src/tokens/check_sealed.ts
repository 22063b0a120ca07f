import type { Services } from '../services.ts'

/** Opens one sealed value under every wrapping key in use; refuses `wrapping_key_missing` or `wrapping_key_wrong`. For the start. */
export async function checkSealed(_services: Pick<Services, 'store' | 'sealer'>): Promise<void> {}
