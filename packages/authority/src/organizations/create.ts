import { asRefusal, isHandle, newId, refuse } from '@credence/protocol'
import { administratorSteps, type SecretPlace } from '../administrators/index.ts'
import { record } from '../audit/index.ts'
import { commit, type Organization, type Services } from '../services.ts'
import type { Step } from '../store/port.ts'
import { firstSecretSteps, firstSigningKeySteps } from '../tokens/index.ts'

export type NewOrganization = {
  handle: string
  displayName: string
  signingAlgorithm?: Organization['signingAlgorithm'] | undefined
  /** Absent: the origin + `/o/<handle>`. */
  issuer?: string | undefined
  by?: string | undefined
  traceId?: string | undefined
  /** Where the first administrator's secret goes besides the return value. */
  place?: SecretPlace | undefined
}

/**
 * Makes an organization with its first administrator and signing key, all in one command. The administrator's secret is
 * returned once; only its hash is kept. Refuses `handle_invalid`, and `handle_taken` for a handle that any organization ever had.
 */
export async function createOrganization(
  services: Services,
  wanted: NewOrganization,
): Promise<{ organization: Organization; administratorSecret: string; administratorId: string }> {
  const { handle, displayName, by, traceId, place } = wanted
  if (!isHandle(handle)) refuse('handle_invalid')
  const organization: Organization = {
    id: newId('org'),
    handle,
    issuer: wanted.issuer ?? `${services.config.origin}/o/${handle}`,
    trustDomain: `${handle}.${services.config.domain}`,
    displayName,
    signingAlgorithm: wanted.signingAlgorithm ?? services.config.signingAlgorithm,
    createdAtMs: services.clock.nowMs(),
  }
  const administratorId = newId('adm')
  const first = administratorSteps(services, { id: administratorId, name: 'first' })
  place?.prepare(first.secret)
  try {
    await commit(services, {
      organization: organization.id,
      steps: [
        ...rowsOf(organization),
        ...first.steps,
        ...(await firstSigningKeySteps(services, organization)),
        ...(await firstSecretSteps(services, organization)),
      ],
      audit: await record(
        services,
        organization,
        {
          type: 'organization.created',
          subject: organization.id,
          outcome: 'done',
          ...(by && { by }),
          ...(traceId && { trace_id: traceId }),
        },
        { handle, display_name: displayName, issuer: organization.issuer, administrator: administratorId },
      ),
    })
  } catch (error) {
    // A store that failed may have done it all the same: then the secret is found waiting at the next start.
    if (asRefusal(error).status < 500) place?.discard()
    throw error
  }
  place?.keep(first.secret)
  return { organization, administratorSecret: first.secret, administratorId }
}

function rowsOf(organization: Organization): Step[] {
  const { handle, issuer, trustDomain, displayName, signingAlgorithm, createdAtMs } = organization
  const row = {
    handle,
    issuer,
    trust_domain: trustDomain,
    display_name: displayName,
    signing_algorithm: signingAlgorithm,
    created_at_ms: createdAtMs,
    suspended_at_ms: null,
  }
  // Without a row of its own it stands at epoch 0, and its feed at 0 too.
  return [{ do: 'insert', table: 'organizations', row, otherwise: 'handle_taken' }]
}
