import { refuse } from '@credence/protocol'
import type { Way } from './client.ts'
import { proveSecret } from './secret.ts'

/** RFC 6749 §2.3.1, in the body. */
export const clientSecretPost: Way = {
  name: 'client_secret_post',
  isTried: ({ form }) => form.client_secret !== undefined,
  async prove(services, { organization, form }) {
    const { client_id: clientId, client_secret: secret } = form
    if (clientId === undefined || secret === undefined) refuse('client_authentication_failed')
    return proveSecret(services, organization, { clientId, secret, kind: 'client_secret' })
  },
}
