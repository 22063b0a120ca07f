import { z } from 'zod'
import { oauthErrorSchema, problemSchema } from './answer.ts'
import type { Door, Endpoint } from './endpoint.ts'

type Json = Record<string, unknown>

const doors: Record<Door, Json[]> = {
  public: [{}],
  client: [{ client_assertion: [] }, { client_secret_basic: [] }],
  administrator: [{ administrator: [] }],
  installation: [{ installation: [] }],
  agent: [{ agent: [] }, { administrator: [] }],
}

const securitySchemes: Json = {
  administrator: { type: 'http', scheme: 'bearer', description: 'An administrator secret of this organization.' },
  installation: { type: 'http', scheme: 'bearer', description: 'An administrator secret of the installation.' },
  agent: {
    type: 'http',
    scheme: 'dpop',
    description: 'An access token whose audience is `<issuer>/v1`, with its DPoP proof (RFC 9449).',
  },
  client_secret_basic: { type: 'http', scheme: 'basic', description: 'RFC 6749 §2.3.1.' },
  client_assertion: {
    type: 'http',
    scheme: 'private_key_jwt',
    description: 'RFC 7523 §2.2: `client_assertion` and `client_assertion_type` in the form.',
  },
}

/** The OpenAPI 3.1 document of the table: what is in one is in the other. */
export function describe(table: readonly Endpoint[], about: { origin: string; version: string }): Json {
  const paths: Record<string, Json> = {}
  for (const endpoint of table) {
    const path = paths[endpoint.path] ?? {}
    paths[endpoint.path] = path
    path[endpoint.method] = operation(endpoint)
    if (endpoint.at === 'origin') path.servers = [{ url: about.origin, description: 'The origin.' }]
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Credence',
      version: about.version,
      description: 'Identity, delegation and revocation for AI agents.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: `${about.origin}/o/{organization}`,
        description: 'An issuer. In dev mode the origin is one too.',
        variables: { organization: { default: 'example', description: 'The handle of the organization.' } },
      },
    ],
    paths,
    components: {
      securitySchemes,
      schemas: { Problem: schemaOf(problemSchema, 'output'), OAuthError: schemaOf(oauthErrorSchema, 'output') },
    },
  }
}

function operation(endpoint: Endpoint): Json {
  const { summary, tag, door, scope, params, query, body, bodyType } = endpoint
  const media = bodyType === 'form' ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    operationId: operationId(endpoint),
    summary,
    tags: [tag],
    ...(scope && { description: `Scope: \`${scope}\`.` }),
    security: doors[door],
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    ...(body && { requestBody: { required: true, content: { [media]: { schema: schemaOf(body, 'input') } } } }),
    responses: { ...answers(endpoint), default: refusal(endpoint) },
  }
}

/** `get_v1_agents_id`: stable while method and path are. */
function operationId({ method, path }: Endpoint): string {
  return `${method}_${path.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_|_$/g, '')}`
}

function parameters(schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Json; required?: string[] }
  return Object.entries(properties).map(([name, type]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: type,
  }))
}

function answers({ answers }: Endpoint): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, type = 'application/json' }]) => [
      status,
      {
        description,
        ...((schema || type !== 'application/json') && {
          content: { [type]: { schema: schema ? schemaOf(schema, 'output') : { type: 'string' } } },
        }),
      },
    ]),
  )
}

function refusal({ refusals }: Endpoint): Json {
  const [type, name] =
    refusals === 'oauth' ? ['application/json', 'OAuthError'] : ['application/problem+json', 'Problem']
  return {
    description: 'A refusal.',
    content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return json
}
