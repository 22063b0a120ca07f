import { type SigningKey, signClientAssertion } from '@credence/protocol'

/** A `client_credentials` request with a fresh assertion (RFC 7523). `now`: seconds. */
export const tokenForm = async (asked: {
  issuer: string
  clientId: string
  key: SigningKey
  now: number
  form: Record<string, string>
}): Promise<URLSearchParams> =>
  new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: asked.clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signClientAssertion(asked.key, asked),
    ...asked.form,
  })
