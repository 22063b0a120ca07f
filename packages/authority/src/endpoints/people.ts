import { refuse } from '@credence/protocol'
import { z } from 'zod'
import { type Credential, endCredential, findCredential } from '../agents/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Endpoint, endpoint } from '../http/endpoint.ts'
import {
  changePerson,
  enrolKey,
  keysOf,
  type ListedPerson,
  listPeople,
  registerPerson,
  requirePerson,
} from '../people/index.ts'
import { page, paging } from './page.ts'
import { answerRevoked, endingQuery, revokedSchema } from './revocation_answer.ts'
import { id, jwk, listed, permission, permissions, seconds, shortText } from './schemas.ts'

const tag = 'People'
const params = z.strictObject({ id: id('psn') })

const keyView = z.object({
  id: z.string(),
  kid: z.string(),
  jwk: z.record(z.string(), z.unknown()),
  created_at_ms: z.number(),
  expires_at: z.number().optional(),
  ended_at_ms: z.number().optional(),
})

const personView = z.object({
  id: z.string(),
  name: z.string(),
  permissions: z.array(permission),
  status: z.enum(['active', 'suspended']).describe('Suspended by `POST /v1/revocations`, until restored.'),
  created_at_ms: z.number(),
})

export const registerPersonEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/people',
  door: 'administrator',
  summary: 'Register a person',
  tag,
  body: z.strictObject({ name: shortText, permissions: permissions.default([]) }),
  answers: { 201: { description: 'The person.', schema: personView } },
  async handle(services, call) {
    const { organization, body, traceId } = call
    const person = await registerPerson(services, organization, { ...body, by: actorOf(call), traceId })
    return answer(viewOf(person), { status: 201 })
  },
})

export const listPeopleEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/people',
  door: 'administrator',
  summary: 'List people',
  tag,
  query: z.strictObject(paging),
  answers: { 200: { description: 'One page of people.', schema: listed(personView) } },
  async handle(services, call) {
    const { rows, next } = await page(services, call, {
      read: (after, limit) => listPeople(services, call.organization, { after, limit }),
      placeOf: (person) => person.id,
    })
    return answer({ items: rows.map(viewOf), ...next })
  },
})

export const readPersonEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/people/{id}',
  door: 'administrator',
  summary: 'Read a person and their keys',
  tag,
  params,
  answers: { 200: { description: 'The person.', schema: personView.extend({ keys: z.array(keyView) }) } },
  async handle(services, { organization, params }) {
    const person = await requirePerson(services, organization, params.id)
    const keys = await keysOf(services, organization, person.id)
    return answer({ ...viewOf(person), keys: keys.map(keyViewOf) })
  },
})

export const changePersonEndpoint: Endpoint = endpoint({
  method: 'patch',
  path: '/v1/people/{id}',
  door: 'administrator',
  summary: "Change a person's record",
  tag,
  params,
  body: z.strictObject({ name: shortText.optional(), permissions: permissions.optional() }),
  answers: { 200: { description: 'The person as it is now.', schema: personView } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const person = await requirePerson(services, organization, params.id)
    return answer(viewOf(await changePerson(services, organization, person, { ...body, by: actorOf(call), traceId })))
  },
})

export const enrolKeyEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/people/{id}/keys',
  door: 'administrator',
  summary: 'Enrol a key with which a person signs delegations',
  tag,
  params,
  body: z.strictObject({ jwk, expires_at: seconds.optional() }),
  answers: { 201: { description: 'The key.', schema: keyView } },
  async handle(services, call) {
    const { organization, params, body, traceId } = call
    const person = await requirePerson(services, organization, params.id)
    const wanted = { jwk: body.jwk, expiresAt: body.expires_at, by: actorOf(call), traceId }
    return answer(keyViewOf(await enrolKey(services, organization, person, wanted)), { status: 201 })
  },
})

export const endKeyEndpoint: Endpoint = endpoint({
  method: 'delete',
  path: '/v1/people/{id}/keys/{key}',
  door: 'administrator',
  room: 'revocation',
  summary: "End a person's key, and every delegation it signed",
  tag,
  params: params.extend({ key: id('crd') }),
  query: endingQuery,
  answers: { 200: { description: 'It has ended for good; the three moments.', schema: revokedSchema } },
  async handle(services, call) {
    const { organization, params, query, traceId } = call
    const key = await findCredential(services, organization, params.key)
    if (key?.holder !== params.id) refuse('not_found')
    const stop = { by: actorOf(call), cause: query.cause, traceId }
    return answerRevoked(services, call, await endCredential(services, organization, key, stop), query.wait_ms)
  },
})

function viewOf({ id, name, permissions, status, createdAtMs }: ListedPerson): z.output<typeof personView> {
  return { id, name, permissions, status, created_at_ms: createdAtMs }
}

function keyViewOf(key: Credential): z.output<typeof keyView> {
  return {
    id: key.id,
    kid: key.kid ?? '',
    jwk: key.publicJwk ?? {},
    created_at_ms: key.createdAtMs,
    ...(key.expiresAt !== undefined && { expires_at: key.expiresAt }),
    ...(key.endedAtMs !== undefined && { ended_at_ms: key.endedAtMs }),
  }
}
