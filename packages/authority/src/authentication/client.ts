import type { Agent, Credential, Instance } from '../agents/index.ts'
import type { HttpRequest } from '../http/request.ts'
import type { Organization, Services } from '../services.ts'
import type { Step } from '../store/port.ts'

/** A caller that has proven which agent it is. */
export type Client = {
  agent: Agent
  /** The running copy whose own credential it was. */
  instance?: Instance
  credential: Credential
  /** When the credential, its instance or the agent's policy ends what it may do, Unix seconds; nothing may outlive it. */
  expiresAt: number
  /**
   * Claim what may be used once, and note the use. They belong into the command that the request leads to, so that what was
   * claimed and what came of it are durable together.
   */
  steps: Step[]
}

/** The parameters of a form that authentication looks at. */
export type AuthenticationForm = {
  client_id?: string | undefined
  client_secret?: string | undefined
  client_assertion?: string | undefined
  client_assertion_type?: string | undefined
}

export type Attempt = { organization: Organization; request: HttpRequest; form: AuthenticationForm }

/** What a way found out: who the caller is, before it is asked whether that agent and credential may be used now. */
export type Proven = { agent: Agent; credential: Credential; steps: Step[] }

/** One way for a caller to prove who it is. */
export type Way = {
  /** The name in `token_endpoint_auth_methods_supported`. */
  name: string
  /** Whether it stands in the Authorization header. */
  inHeader?: true
  /** Whether the request tries this way. Looks at form only, and never refuses. */
  isTried(attempt: Attempt): boolean
  /** Refuses `client_authentication_failed` alike for an unknown client and for a wrong proof. */
  prove(services: Services, attempt: Attempt): Promise<Proven>
}
