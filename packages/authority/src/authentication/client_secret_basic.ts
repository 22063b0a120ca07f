import { refuse } from '@credence/protocol'
import type { Way } from './client.ts'
import { proveSecret } from './secret.ts'

const scheme = /^basic /i
const credentials = /^basic ([A-Za-z0-9+/]+={0,2})$/i

/** RFC 6749 §2.3.1, with HTTP Basic. Client id and secret are form-encoded before they are joined by a colon. */
export const clientSecretBasic: Way = {
  name: 'client_secret_basic',
  inHeader: true,
  isTried: ({ request }) => scheme.test(request.headers.get('authorization') ?? ''),
  async prove(services, { organization, request }) {
    const shown = read(request.headers.get('authorization') ?? '')
    if (shown === undefined) refuse('client_authentication_failed')
    return proveSecret(services, organization, { ...shown, kind: 'client_secret' })
  },
}

function read(authorization: string): { clientId: string; secret: string } | undefined {
  const [, encoded] = credentials.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const [id, secret, ...rest] = Buffer.from(encoded, 'base64').toString('latin1').split(':')
  if (id === undefined || secret === undefined || rest.length > 0) return undefined
  const clientId = formDecode(id)
  const plain = formDecode(secret)
  return clientId === undefined || plain === undefined ? undefined : { clientId, secret: plain }
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
