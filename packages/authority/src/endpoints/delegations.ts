import { type Constraint, refuse } from '@credence/protocol'
import { z } from 'zod'
import { findAgent } from '../agents/index.ts'
import { attest, findDelegation, listDelegations, type RegisteredChain, registerChain } from '../delegations/index.ts'
import { answer } from '../http/answer.ts'
import { actorOf, type Call, type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Services } from '../services.ts'
import { delegationView, delegationViewOf } from './delegation_view.ts'
import { page, paging } from './page.ts'
import { id, listed, scopeText } from './schemas.ts'

const tag = 'Delegations'
const audiences = z.array(z.string().min(1).max(512)).min(1).max(16)
const party = z.string().min(1).max(2048)

const body = z.strictObject({
  statements: z
    .array(z.string().max(16_384))
    .min(1)
    .max(8)
    .optional()
    .describe('Signed statements to register, the whole chain, root first. Then nothing else is sent.'),
  delegator: party.optional().describe('For administrators: who, as the authority is to attest, hands on.'),
  delegate: party.optional(),
  aud: audiences.optional(),
  onward: audiences.optional(),
  scope: scopeText.optional(),
  constraints: z.array(z.record(z.string(), z.any())).max(64).optional(),
  expires_in: z.number().int().min(1).optional().describe('Seconds.'),
  max_depth: z.number().int().min(0).max(8).optional(),
  task: z.string().max(128).optional(),
  parent: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional()
    .describe('Hash of the statement by which the delegator got it.'),
})

type Body = z.output<typeof body>

const chainView = z.object({
  id: z.string(),
  hash: z.string(),
  principal: z.string(),
  chain: z.array(z.string()).describe('The statements, root first.'),
})

export const registerDelegationEndpoint: Endpoint = endpoint({
  method: 'post',
  path: '/v1/delegations',
  door: 'agent',
  scope: 'delegations:write',
  summary: 'Register signed statements, or, as an administrator, attest one',
  tag,
  body,
  answers: { 201: { description: 'The authority knows the chain.', schema: chainView } },
  async handle(services, call) {
    const { statements, ...words } = call.body
    const chain =
      statements === undefined ? await attested(services, call, words) : await signed(services, call, call.body)
    const { leaf, principal, hops } = chain
    const view = { id: leaf.id, hash: leaf.hash, principal: principal.id, chain: hops.map(({ compact }) => compact) }
    return answer(view, { status: 201 })
  },
})

export const listDelegationsEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/delegations',
  door: 'administrator',
  summary: 'List delegations',
  tag,
  query: z.strictObject({
    ...paging,
    principal: party.optional(),
    delegator: party.optional(),
    delegate: party.optional(),
    attested_by: party
      .optional()
      .describe('The administrator, or the operator, on whose word the authority states it.'),
  }),
  answers: { 200: { description: 'One page of delegations.', schema: listed(delegationView) } },
  async handle(services, call) {
    const { principal, delegator, delegate, attested_by } = call.query
    const where = {
      ...(principal && { principal }),
      ...(delegator && { delegator }),
      ...(delegate && { delegate }),
      ...(attested_by && { attested_by }),
    }
    const { rows, next } = await page(services, call, {
      read: (after, limit) =>
        listDelegations(services, call.organization, { where, limit, after: after === undefined ? after : `${after}` }),
      placeOf: (row) => row.id,
    })
    return answer({ items: rows.map(delegationViewOf), ...next })
  },
})

export const readDelegationEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/v1/delegations/{id}',
  door: 'administrator',
  summary: 'Read a delegation',
  tag,
  params: z.strictObject({ id: id('dlg') }),
  answers: { 200: { description: 'The delegation.', schema: delegationView } },
  async handle(services, { organization, params }) {
    const found = (await findDelegation(services, organization, params.id)) ?? refuse('not_found')
    return answer(delegationViewOf(found))
  },
})

async function signed(
  services: Services,
  call: Call<unknown, unknown, Body>,
  { statements = [], ...others }: Body,
): Promise<RegisteredChain> {
  const { organization, caller, traceId } = call
  if (Object.keys(others).length > 0) {
    refuse('validation_failed', { detail: 'statements: sent alone, they say everything.' })
  }
  const agent = caller?.kind === 'agent' ? await findAgent(services, organization, caller.id) : undefined
  return registerChain(services, organization, statements, {
    by: actorOf(call),
    traceId,
    // An agent hands in what it is a part of; others' chains are not its to make known.
    ...(caller?.kind === 'agent' && { party: agent?.spiffeId ?? refuse('forbidden') }),
  })
}

async function attested(
  services: Services,
  call: Call<unknown, unknown, Body>,
  words: Omit<Body, 'statements'>,
): Promise<RegisteredChain> {
  if (call.caller?.kind !== 'administrator') refuse('forbidden')
  const { delegator, delegate, aud, scope, expires_in, max_depth, constraints, ...more } = words
  if (delegator === undefined || delegate === undefined || aud === undefined || scope === undefined) {
    refuse('validation_failed', { detail: 'delegator, delegate, aud and scope are needed, or statements.' })
  }
  return attest(services, call.organization, {
    ...more,
    delegator,
    delegate,
    aud,
    scope,
    lifetimeSeconds: expires_in,
    maxDepth: max_depth,
    constraints: constraints as Constraint[] | undefined,
    by: actorOf(call),
    traceId: call.traceId,
  })
}
