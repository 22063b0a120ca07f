import { beforeAll, describe, expect, test } from 'vitest'
import { decode } from '../src/base64url.ts'
import { isCanonical } from '../src/canonical.ts'
import { verifyChain } from '../src/delegation/chain.ts'
import { readStatement } from '../src/delegation/statement.ts'
import { hashText } from '../src/digest.ts'
import { agentSpiffeId } from '../src/identifiers.ts'
import { isJsonObject, type JsonObject, type JsonValue, parseJsonBytes } from '../src/json.ts'
import { signJws } from '../src/jws.ts'
import { generateSigningKey, importPublicKey, type PublicKey, type SigningKey } from '../src/keys.ts'
import { isRefusal, refuse } from '../src/refusals.ts'
import { attenuVectors, type Vector } from './attenu_vectors.ts'

const authority = 'https://id.example.com'
const trustDomain = 'acme.example.com'

const keys = new Map<string, { key: SigningKey; known: PublicKey }>()

async function keyOf(who: string): Promise<{ key: SigningKey; known: PublicKey }> {
  const made = keys.get(who)
  if (made) return made
  const key = await generateSigningKey('ES256')
  const pair = { key, known: await importPublicKey(key.publicJwk, key.kid) }
  keys.set(who, pair)
  return pair
}

/** Names as ids of ours: one for one, so that equal stays equal and different stays different; nothing stays nothing. */
function personOf(name: JsonValue | undefined): JsonValue | undefined {
  if (typeof name !== 'string' || name === '') return name
  const letters = Buffer.from(name)
    .toString('base64url')
    .replace(/[^A-Za-z]/g, '')
    .slice(0, 21)
  return `psn_${letters.padEnd(21, 'x')}A`
}

function agentNamed(name: JsonValue | undefined): JsonValue | undefined {
  return typeof name === 'string' && /^[a-z-]+$/.test(name) ? agentSpiffeId(trustDomain, name) : name
}

/** Theirs have dots where ours have colons; which of the three forms a scope has stays as it is. */
function scopeOf(scope: string): string {
  return scope.replaceAll('.', ':')
}

type Token = { header: JsonObject; payload: JsonObject; signingInput: string }

/** Their token through our parser, byte for byte. */
function readToken(compact: string): Token {
  const [header = '', payload = ''] = compact.split('.')
  const parts = [header, payload].map((part) => {
    const bytes = decode(part)
    const value = parseJsonBytes(bytes)
    if (!isCanonical(Buffer.from(bytes).toString(), value)) refuse('non_canonical')
    return isJsonObject(value) ? value : refuse('malformed')
  })
  return { header: parts[0] as JsonObject, payload: parts[1] as JsonObject, signingInput: `${header}.${payload}` }
}

type Draft = '01' | '02'

/** Their claims in our words. What has no word of ours, or a shape that ours cannot have, becomes a member that no statement has. */
function statementOf(
  { payload }: Token,
  place: number,
  above: JsonObject | undefined,
  bound: number,
  draft: Draft,
): JsonObject {
  const details = payload.authorization_details as JsonObject[]
  const { type, scopes, constraints, ...more } = details[0] as JsonObject
  // In -01, `sub` is the agent and no principal is named; `probe` members are there for the parser, which has read them by now.
  const [principal, actor] =
    draft === '02' ? [payload.sub, payload.client_id] : ['principal', payload.sub === 'résumé' ? 'resume' : payload.sub]
  const cnf = payload.cnf as JsonObject | undefined
  const confirms = draft === '01' || (cnf && ['jkt', 'jwk', 'x5t#S256'].some((member) => Object.hasOwn(cnf, member)))
  const aud =
    draft === '01' ? ['https://crm.example.com'] : typeof payload.aud === 'string' ? [payload.aud] : payload.aud
  const claims = {
    iss: place === 0 ? personOf(principal) : above?.delegate,
    sub: personOf(principal),
    delegate: agentNamed(actor),
    authority,
    aud,
    scope: (scopes as string[]).map(scopeOf).join(' '),
    constraints: draft === '01' ? (constraints as JsonObject[]).map(rankOf01) : constraints,
    iat: payload.iat,
    exp: payload.exp,
    // Theirs bounds the number of tokens and is said by the root; ours says at each hop how many may follow.
    max_depth: Math.max(0, Number(place > 0 && payload.del_max_depth ? payload.del_max_depth : bound) - 1 - place),
    jti: Buffer.from(String(payload.jti)).toString('base64url').padEnd(22, 'x').slice(0, 22),
    evidence: { kind: 'signed' },
    ...(details.length === 1 && type === 'agent_delegation' ? {} : { details: details.length }),
    ...more,
    ...(confirms ? {} : { unconfirmed: true }),
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)) as JsonObject
}

/** In -01 the order of `egress` was in the text of the draft. */
function rankOf01(constraint: JsonObject): JsonObject {
  return 'rank' in constraint ? { ...constraint, order: ['none', 'internal', 'any'] } : constraint
}

async function run(vector: Vector, draft: Draft): Promise<string> {
  try {
    const tokens = vector.tokens.map(readToken)
    const bound = Number(tokens[0]?.payload.del_max_depth)
    const said: JsonObject[] = []
    const compacts: string[] = []
    for (const [place, token] of tokens.entries()) {
      const statement = statementOf(token, place, said.at(-1), bound, draft)
      said.push(statement)
      const committed = token.payload.par_hash
      const parent = tokens[place - 1]
      // A commitment that was to the token above stays one to the statement above; a broken one stays broken.
      const kept = parent && committed === (await hashText(parent.signingInput))
      const above = compacts.at(-1)
      const par_hash = kept && above ? await hashText(above.slice(0, above.lastIndexOf('.'))) : committed
      const signer = await keyOf(String(statement.iss))
      const payload = par_hash === undefined ? statement : { ...statement, par_hash }
      compacts.push(await signJws(signer.key, { typ: 'delegation+jwt' }, payload))
    }
    if (vector.name === 'reject_bad_signature') compacts.push(flipped(compacts.pop() ?? ''))
    const accepted = vector.verifier?.accepted_algs ?? ['HS256']
    const audience = vector.verifier?.audience ?? 'https://crm.example.com'
    await verifyChain(compacts, {
      authority,
      now: 0,
      toleranceSeconds: 0,
      keyOf: async (who, kid) => {
        const { known } = await keyOf(who)
        // A verifier that accepts another algorithm knows the signer's key as one of that.
        const key = accepted.includes('HS256') ? known : { ...known, alg: 'EdDSA' as const }
        return kid === known.kid ? key : undefined
      },
      ...(draft === '02' && audience !== 'https://crm.example.com' && { action: { audience, scope: [] } }),
    })
    if (draft === '02') await expectAudience(compacts.at(-1) ?? '', audience)
    return 'accept'
  } catch (error) {
    if (isRefusal(error)) return error.code
    throw error
  }
}

/** Their step 8 without an action: the leaf names the verifier. */
async function expectAudience(leaf: string, audience: string): Promise<void> {
  if (!(await readStatement(leaf)).statement.aud.includes(audience)) refuse('audience_mismatch')
}

function flipped(compact: string): string {
  const at = compact.lastIndexOf('.') + 1
  return compact.slice(0, at) + (compact[at] === 'A' ? 'B' : 'A') + compact.slice(at + 1)
}

describe.each([
  ['-02', 'vectors/draft02', 35, '02'],
  ['-01', 'vectors', 20, '01'],
] as const)('vectors of draft-asor-wimse-agent-delegation-chain%s', (_, folder, count, draft) => {
  let vectors: Vector[] | string
  beforeAll(() => {
    vectors = attenuVectors(folder)
  }, 180_000)

  test('each is accepted, or refused by the name the draft has for it', async (context) => {
    if (typeof vectors === 'string') return context.skip(vectors)
    expect(vectors).toHaveLength(count)
    const ours: Record<string, string> = {}
    const theirs: Record<string, string> = {}
    for (const vector of vectors) {
      ours[vector.name] = await run(vector, draft)
      theirs[vector.name] = vector.expect ?? vector.expect_reject_reason ?? ''
    }
    expect(ours).toEqual(theirs)
  })
})
