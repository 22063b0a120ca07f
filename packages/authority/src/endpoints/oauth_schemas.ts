import { z } from 'zod'

/** A form parameter of at most so many characters. */
export function parameter(most: number): z.ZodOptional<z.ZodString> {
  return z.string().max(most).optional()
}

/** How a client authenticates in the body. */
export const clientParameters = {
  client_id: parameter(2048),
  client_secret: parameter(256),
  client_assertion: parameter(8192),
  client_assertion_type: parameter(256),
}

/** RFC 6749 §5.1, RFC 8693 §2.2.1, RFC 9396 §7. */
export const tokenAnswerSchema = z.object({
  access_token: z.string(),
  token_type: z.enum(['DPoP', 'Bearer']),
  expires_in: z.number().int().describe('Seconds.'),
  scope: z.string(),
  issued_token_type: z.string().optional(),
  authorization_details: z.array(z.looseObject({ type: z.string() })).optional(),
})
