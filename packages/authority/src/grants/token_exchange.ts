import { accessTokenType, delegationType, jwtType, refuse, tokenExchangeGrant } from '@credence/protocol'
import type { Services } from '../services.ts'
import { byDelegation } from './by_delegation.ts'
import { bySubjectAndActor } from './by_subject_and_actor.ts'
import type { Drawn, Grant, TokenRequest } from './grant.ts'
import { onBehalfOf } from './on_behalf_of.ts'

/**
 * RFC 8693. There are three shapes, and no fourth: an exchange never hides the agent that asks (impersonation), and never
 * takes an actor, or a chain of actors, from the request.
 */
export const tokenExchange: Grant = {
  type: tokenExchangeGrant,
  exchanges: true,
  async draw(services, request) {
    const { form } = request
    if ((form.requested_token_type ?? accessTokenType) !== accessTokenType) refuse('token_type_unsupported')
    if (form.subject_token === undefined || form.subject_token_type === undefined) {
      refuse('invalid_request', { detail: 'subject_token and subject_token_type are required.' })
    }
    // RFC 8693 §2.1: the one without the other is an error.
    if ((form.actor_token === undefined) !== (form.actor_token_type === undefined)) {
      refuse('invalid_request', { detail: 'actor_token and actor_token_type belong together.' })
    }
    if (request.resource.builtin)
      refuse('resource_unknown', { detail: 'Nobody calls the authority itself for another.' })
    return shapeOf(request)(services, request, form.subject_token)
  },
}

function shapeOf({ form }: TokenRequest): (services: Services, request: TokenRequest, token: string) => Promise<Drawn> {
  const { subject_token_type: type, actor_token: actor } = form
  if (type === delegationType || type === jwtType) {
    if (actor !== undefined) refuse('invalid_request', { detail: 'A delegation names its actor; send no actor_token.' })
    return byDelegation
  }
  if (type !== accessTokenType) refuse('subject_token_type_unsupported')
  return actor === undefined ? onBehalfOf : bySubjectAndActor
}
