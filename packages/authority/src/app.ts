import {
  addAdministratorEndpoint,
  endAdministratorEndpoint,
  listAdministratorsEndpoint,
} from './endpoints/administrators.ts'
import { resumeAgentEndpoint, retireAgentEndpoint, suspendAgentEndpoint } from './endpoints/agent_status.ts'
import {
  changeAgentEndpoint,
  listAgentsEndpoint,
  readAgentEndpoint,
  registerAgentEndpoint,
  transferAgentEndpoint,
} from './endpoints/agents.ts'
import { readAuditHeadEndpoint } from './endpoints/audit_head.ts'
import { proveAuditRecordEndpoint } from './endpoints/audit_proof.ts'
import { listAuditRecordsEndpoint } from './endpoints/audit_records.ts'
import { addCredentialEndpoint, endCredentialEndpoint, listCredentialsEndpoint } from './endpoints/credentials.ts'
import { revokeDelegationEndpoint } from './endpoints/delegation_revoke.ts'
import { listDelegationsEndpoint, readDelegationEndpoint, registerDelegationEndpoint } from './endpoints/delegations.ts'
import { delegatorKeyEndpoint } from './endpoints/delegator_keys.ts'
import { enter } from './endpoints/doors.ts'
import { acknowledgeFeedEndpoint } from './endpoints/feed_acknowledgements.ts'
import { readFeedEndpoint } from './endpoints/feed_page.ts'
import { streamFeedEndpoint } from './endpoints/feed_stream.ts'
import { healthEndpoint, readinessEndpoint } from './endpoints/health.ts'
import { listInstancesEndpoint, startInstanceEndpoint } from './endpoints/instances.ts'
import { introspectEndpoint } from './endpoints/introspect.ts'
import { jwksEndpoint } from './endpoints/jwks.ts'
import { metadataEndpoints } from './endpoints/metadata.ts'
import { openapi } from './endpoints/openapi.ts'
import {
  createOrganizationEndpoint,
  listOrganizationsEndpoint,
  resumeOrganizationEndpoint,
  suspendOrganizationEndpoint,
} from './endpoints/organizations.ts'
import {
  changePersonEndpoint,
  endKeyEndpoint,
  enrolKeyEndpoint,
  listPeopleEndpoint,
  readPersonEndpoint,
  registerPersonEndpoint,
} from './endpoints/people.ts'
import {
  changeResourceEndpoint,
  listResourcesEndpoint,
  readResourceEndpoint,
  registerResourceEndpoint,
} from './endpoints/resources.ts'
import { revokeAnythingEndpoint } from './endpoints/revocation_make.ts'
import { restoreEndpoint } from './endpoints/revocation_restore.ts'
import { revokeEndpoint } from './endpoints/revoke.ts'
import {
  listSigningKeysEndpoint,
  revokeSigningKeyEndpoint,
  rotateSigningKeyEndpoint,
} from './endpoints/signing_keys.ts'
import { statementEndpoint } from './endpoints/statements.ts'
import { tokenEndpoint } from './endpoints/token.ts'
import { Admission } from './http/admission.ts'
import { Bodies } from './http/bodies.ts'
import type { Endpoint } from './http/endpoint.ts'
import { FailureLimit } from './http/failure_limit.ts'
import { describe } from './http/openapi.ts'
import { createRouter, type Router } from './http/router.ts'
import { findOrganizationByHandle } from './organizations/index.ts'
import type { Organization, Services } from './services.ts'

/** Everything the authority answers. A path without a row here does not exist. */
export const endpoints: readonly Endpoint[] = [
  tokenEndpoint,
  introspectEndpoint,
  revokeEndpoint,

  ...metadataEndpoints,
  jwksEndpoint,
  statementEndpoint,
  delegatorKeyEndpoint,

  readFeedEndpoint,
  streamFeedEndpoint,
  acknowledgeFeedEndpoint,

  registerDelegationEndpoint,
  listDelegationsEndpoint,
  readDelegationEndpoint,
  revokeDelegationEndpoint,
  revokeAnythingEndpoint,
  restoreEndpoint,

  registerPersonEndpoint,
  listPeopleEndpoint,
  readPersonEndpoint,
  changePersonEndpoint,
  enrolKeyEndpoint,
  endKeyEndpoint,

  registerAgentEndpoint,
  listAgentsEndpoint,
  readAgentEndpoint,
  changeAgentEndpoint,
  transferAgentEndpoint,
  suspendAgentEndpoint,
  resumeAgentEndpoint,
  retireAgentEndpoint,
  startInstanceEndpoint,
  listInstancesEndpoint,
  addCredentialEndpoint,
  listCredentialsEndpoint,
  endCredentialEndpoint,

  registerResourceEndpoint,
  listResourcesEndpoint,
  readResourceEndpoint,
  changeResourceEndpoint,

  listSigningKeysEndpoint,
  rotateSigningKeyEndpoint,
  revokeSigningKeyEndpoint,

  listAuditRecordsEndpoint,
  readAuditHeadEndpoint,
  proveAuditRecordEndpoint,

  addAdministratorEndpoint,
  listAdministratorsEndpoint,
  endAdministratorEndpoint,

  createOrganizationEndpoint,
  listOrganizationsEndpoint,
  suspendOrganizationEndpoint,
  resumeOrganizationEndpoint,

  healthEndpoint,
  readinessEndpoint,
]

/** Within which the body of a request arrives; its headers had their own time. */
const longestBodyMs = 5_000

/** The authority as a function from request to answer. */
export function createApp(services: Services, version: string): Router {
  const { config, clock } = services
  const table: Endpoint[] = [...endpoints, openapi(() => describe(table, { origin: config.origin, version }))]
  const serving = {
    services,
    bodies: new Bodies({ bytes: config.bodyBytes, ms: Math.min(longestBodyMs, config.requestSeconds * 1_000) }),
    admission: new Admission({ ...config, clock }),
    failures: new FailureLimit({ failuresPerMinute: config.failuresPerMinute, clock }),
    locate: locator(services),
    enter,
  }
  return createRouter(serving, table, { organizationAtOrigin: config.mode === 'dev' })
}

const mostKnown = 10_000

/** Finds organizations by their place in the URL. They never change, so those found are remembered. */
function locator(services: Services): (handle: string | undefined) => Promise<Organization | undefined> {
  const { origin, devOrganization } = services.config
  const known = new Map<string, Organization>()
  return async (handle) => {
    const issuer = handle === undefined ? origin : `${origin}/o/${handle}`
    const found = known.get(issuer) ?? (await findOrganizationByHandle(services, handle ?? devOrganization))
    // An organization answers at its own issuer and nowhere else.
    if (found?.issuer !== issuer) return undefined
    if (known.size >= mostKnown) known.clear()
    known.set(issuer, found)
    return found
  }
}
