import { type ChainChecks, verifyChain } from '../src/delegation/chain.ts'
import { agentOf, readStatement, type Statement, signStatement } from '../src/delegation/statement.ts'
import { agentSpiffeId, instanceSpiffeId, newJti } from '../src/identifiers.ts'
import { generateSigningKey, importPublicKey, type PublicKey, type SigningKey } from '../src/keys.ts'

export const authority = 'https://id.example.com'
export const person = `psn_${'p'.repeat(21)}A`
export const agents = ['alpha', 'beta', 'gamma', 'delta'].map((handle) => agentSpiffeId('acme.example.com', handle))
export const [alpha, beta, gamma, delta] = agents as [string, string, string, string]
export const betaInstance = instanceSpiffeId('acme.example.com', 'beta', 'i-1')
export const [crm, files, mail] = [
  'https://crm.example.com',
  'https://files.example.com',
  'https://mail.example.com',
] as const
export const now = 1_000_000

const keys = new Map<string, { key: SigningKey; known: PublicKey }>()
for (const who of [person, authority, ...agents]) {
  const key = await generateSigningKey('ES256', { kid: `key of ${who}`.replaceAll(' ', '-') })
  keys.set(who, { key, known: await importPublicKey(key.publicJwk, key.kid) })
}

export function keyFor(who: string): SigningKey {
  const found = keys.get(who)
  if (!found) throw new Error(`nobody here is ${who}`)
  return found.key
}

export const keyOf: ChainChecks['keyOf'] = async (who, kid) => {
  const found = keys.get(who)
  return found?.known.kid === kid ? found.known : undefined
}

/** A root from the person to alpha, wide enough for every test; change what the test is about. */
export function root(words: Partial<Statement> = {}): Statement {
  return {
    iss: person,
    sub: person,
    delegate: alpha,
    authority,
    aud: [crm, files],
    onward: [mail],
    scope: 'crm:* mail:send',
    constraints: [{ key: 'rows', max: 100 }],
    iat: now,
    exp: now + 3600,
    max_depth: 3,
    jti: newJti(),
    evidence: { kind: 'signed' },
    ...words,
  }
}

/** What the delegate of `parent` hands on to `delegate`: all of it, unless changed. */
export function below(parent: Statement, delegate: string, words: Partial<Statement> = {}): Statement {
  return {
    ...parent,
    iss: agentOf(parent.delegate),
    delegate,
    max_depth: Math.max(0, parent.max_depth - 1),
    jti: newJti(),
    evidence: { kind: 'signed' },
    ...words,
  }
}

/** Signs each with who must sign it, linking it to the one before unless it says otherwise. */
export async function signed(...hops: Statement[]): Promise<string[]> {
  const chain: string[] = []
  for (const hop of hops) {
    const last = chain.at(-1)
    const par_hash = hop.par_hash ?? (last === undefined ? undefined : (await readStatement(last)).hash)
    const signer = hop.evidence.kind === 'signed' ? hop.iss : hop.authority
    chain.push(await signStatement(keyFor(signer), par_hash === undefined ? hop : { ...hop, par_hash }))
  }
  return chain
}

export function verify(chain: readonly string[], checks: Partial<ChainChecks> = {}) {
  return verifyChain(chain, { authority, now, keyOf, ...checks })
}
