import { refuse } from '@credence/protocol'
import type { Way } from './client.ts'
import { proveSecret } from './secret.ts'

const bearerKey = /^bearer (credence_ak_[A-Za-z0-9_-]+)$/i

/** A scoped API key, `Authorization: Bearer credence_ak_…`: for those who can do no better. */
export const apiKey: Way = {
  name: 'api_key',
  inHeader: true,
  isTried: ({ request }) => bearerKey.test(request.headers.get('authorization') ?? ''),
  async prove(services, { organization, request }) {
    const [, secret] = bearerKey.exec(request.headers.get('authorization') ?? '') ?? []
    if (secret === undefined) refuse('client_authentication_failed')
    return proveSecret(services, organization, { secret, kind: 'api_key' })
  },
}
