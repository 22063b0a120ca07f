import { z } from 'zod'
import { type Answer, answer } from '../http/answer.ts'
import { actorOf, type Call } from '../http/endpoint.ts'
import { awaitReach, type Revoked } from '../revocation/index.ts'
import type { Services } from '../services.ts'
import { inQuery } from './schemas.ts'

/** A cause stays in the log and in the feed for ever, so it is a word, not a sentence about somebody. */
export const cause = z
  .string()
  .regex(/^[a-z][a-z0-9_.-]{0,63}$/)
  .describe('One word, as `compromised`; a story goes into `note`.')

export const note = z
  .string()
  .min(1)
  .max(2_000)
  .optional()
  .describe('Free text. The log holds a commitment to it only.')

/** In a body. */
export const waitMs = z
  .number()
  .int()
  .min(0)
  .max(10_000)
  .optional()
  .describe(
    'How long to wait for enforcement points to acknowledge. What had ended before is answered at once, and so is everything ' +
      'while many wait already.',
  )

/** The same in the query of what is ended by DELETE, which has no body. */
export const endingQuery = z.strictObject({ cause: cause.default('ended'), wait_ms: inQuery(waitMs) })

export const revokedSchema = z.object({
  id: z.string(),
  cause: z.string(),
  fact: z
    .object({
      seq: z.number(),
      id: z.string(),
      epoch: z.number(),
      cause: z.string(),
      at_ms: z.number(),
      forget_after: z.number(),
    })
    .optional()
    .describe('What enforcement points are told. Absent where nobody but the authority has ever gone by it.'),
  already_ended: z.boolean().describe('True when it had ended before: `fact` is the one in force.'),
  committed_at_ms: z.number(),
  acknowledged: z.object({
    points: z.number().describe('Enforcement points that have acknowledged,'),
    of: z.number().describe('of those that may hold a lease.'),
    by_ms: z.number().nullable().describe('When the last of all did; null while some have not.'),
    all: z.boolean(),
  }),
  leases_over_by_ms: z.number().describe('After this, nobody that was cut off goes by older knowledge.'),
  last_token_expired_by_ms: z.number().describe('The hard bound: no token from before is valid after this.'),
})

/** The three moments after which what was ended can no longer be used. While the caller waits for them, its place is another's. */
export async function answerRevoked(
  services: Services,
  call: Pick<Call, 'organization' | 'caller' | 'leave'>,
  revoked: Revoked,
  waitMs = 0,
): Promise<Answer> {
  call.leave()
  const reached = await awaitReach(services, call.organization, revoked, { waitMs, by: actorOf(call) })
  const { fact, fresh, committedAtMs, acknowledged, leasesOverByMs, lastTokenExpiredByMs } = reached
  const { points, of, byMs, all } = acknowledged
  return answer({
    id: fact.id,
    cause: fact.cause,
    fact,
    already_ended: !fresh,
    committed_at_ms: committedAtMs,
    acknowledged: { points, of, by_ms: byMs, all },
    leases_over_by_ms: leasesOverByMs,
    last_token_expired_by_ms: lastTokenExpiredByMs,
  } satisfies z.output<typeof revokedSchema>)
}

/** The same answer for what nobody but the authority ever asks about: it has ended everywhere at once. */
export function answerEndedHere(
  { clock }: Pick<Services, 'clock'>,
  { id, cause }: { id: string; cause: string },
): Answer {
  const atMs = clock.nowMs()
  return answer({
    id,
    cause,
    already_ended: false,
    committed_at_ms: atMs,
    acknowledged: { points: 0, of: 0, by_ms: atMs, all: true },
    leases_over_by_ms: atMs,
    last_token_expired_by_ms: atMs,
  } satisfies z.output<typeof revokedSchema>)
}
