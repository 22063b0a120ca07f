import { type JsonObject, newId, refuse } from '@credence/protocol'
import { record } from '../audit/index.ts'
import { aliveNow, commit, nowSeconds, type Organization, type Services } from '../services.ts'
import type { RowOf } from '../store/tables.ts'
import type { Agent } from './agent.ts'
import { type Credential, findCredential } from './credential.ts'
import { type CredentialKind, expiryUnder } from './credential_policy.ts'
import { publicKeyRow } from './public_key.ts'
import { newSecret } from './secret.ts'

export type NewCredential = {
  kind: CredentialKind
  /** For `public_key`. */
  jwk?: JsonObject | undefined
  /** A ceiling on what it obtains. An API key must have one. */
  scope?: string[] | undefined
  /** Unix seconds: when it begins to be valid. Absent: now. */
  notBefore?: number | undefined
  /** Unix seconds. Absent: as late as the agent's policy allows. */
  expiresAt?: number | undefined
  by: string
  traceId?: string | undefined
}

/**
 * Adds a credential beside those there are. `secret` is in the answer once; only its hash is kept.
 *
 * Refuses `credential_kind_refused` (the agent's policy), `validation_failed`, `key_unusable`, `key_taken`, `agent_not_active`.
 */
export async function addCredential(
  services: Services,
  organization: Organization,
  agent: Agent,
  wanted: NewCredential,
): Promise<{ credential: Credential; secret?: string }> {
  const { kind, by, traceId } = wanted
  const expiresAt = expiryUnder(agent.credentialPolicy, {
    kind,
    expiresAt: wanted.expiresAt,
    now: nowSeconds(services.clock),
  })
  const { row, secret } = await rowOf(services, agent, wanted, expiresAt)
  await commit(services, {
    organization: organization.id,
    steps: [
      { do: 'require', table: 'agents', where: { id: agent.id, status: 'active' }, otherwise: 'agent_not_active' },
      { do: 'alive', lineage: aliveNow(agent.id), otherwise: 'agent_not_active' },
      { do: 'insert', table: 'credentials', row, otherwise: 'key_taken' },
    ],
    audit: await record(
      services,
      organization,
      {
        type: 'credential.added',
        by,
        agent: agent.id,
        subject: row.id,
        action: kind,
        outcome: 'done',
        ...(traceId && { trace_id: traceId }),
      },
      {
        expires_at: row.expires_at,
        scope: row.scope,
        ...(row.public_jwk !== null && { jwk: JSON.parse(row.public_jwk) as JsonObject }),
      },
    ),
  })
  const credential = await findCredential(services, organization, row.id)
  if (!credential) throw new Error('a credential that was just committed cannot be read')
  return { credential, ...(secret !== undefined && { secret }) }
}

async function rowOf(
  services: Services,
  agent: Agent,
  { kind, jwk, scope, notBefore }: NewCredential,
  expiresAt: number | null,
): Promise<{ row: RowOf<'credentials'>; secret?: string }> {
  if (kind === 'public_key') {
    if (!jwk) refuse('validation_failed', { detail: 'body.jwk is needed for a public key.' })
    return { row: await publicKeyRow(services, { holder: agent.id, jwk, scope, notBefore, expiresAt }) }
  }
  if (jwk) refuse('validation_failed', { detail: 'body.jwk is only for a public key.' })
  if (kind === 'api_key' && !scope?.length) {
    refuse('validation_failed', { detail: 'body.scope is needed for an API key: it must say what it is good for.' })
  }
  const id = newId('crd')
  const { text, hash } = newSecret(kind, id)
  const row: RowOf<'credentials'> = {
    id,
    holder: agent.id,
    instance: null,
    kind,
    kid: null,
    alg: null,
    public_jwk: null,
    secret_hash: hash,
    scope: scope?.join(' ') ?? null,
    created_at_ms: services.clock.nowMs(),
    not_before: notBefore ?? nowSeconds(services.clock),
    expires_at: expiresAt,
    last_used_at_ms: null,
    ended_at_ms: null,
  }
  return { row, secret: text }
}
