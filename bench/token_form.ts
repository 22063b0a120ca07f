import { delegationType, type SigningKey, signClientAssertion, tokenExchangeGrant } from '@credence/protocol'

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

/** What makes that an exchange of a delegation (RFC 8693): `chain` as `joinChain` writes it. */
export const exchanging = (chain: string): Record<string, string> => ({
  grant_type: tokenExchangeGrant,
  subject_token: chain,
  subject_token_type: delegationType,
})
