import { z } from 'zod'
import type { Delegation } from '../delegations/index.ts'

export const delegationView = z.object({
  id: z.string(),
  hash: z.string(),
  parent_hash: z.string().optional(),
  delegator: z.string(),
  delegate: z.string(),
  principal: z.string(),
  aud: z.array(z.string()),
  onward: z.array(z.string()),
  scope: z.string(),
  constraints: z.array(z.record(z.string(), z.unknown())),
  task: z.string().optional(),
  sid: z.string().optional(),
  max_depth: z.number(),
  depth: z.number().describe('0 for a root.'),
  evidence: z.looseObject({ kind: z.string() }),
  issued_at: z.number(),
  expires_at: z.number().describe('The earliest end of it, of the key that signed it, and of all above it.'),
  created_at_ms: z.number(),
  alive: z.boolean().describe('Whether it, and everything it rests on, stands.'),
  statement: z.string(),
})

export function delegationViewOf(delegation: Delegation): z.output<typeof delegationView> {
  const { id, hash, statement, compact, evidence, parentHash, depth, expiresAt, createdAtMs, alive } = delegation
  return {
    id,
    hash,
    ...(parentHash !== undefined && { parent_hash: parentHash }),
    delegator: statement.iss,
    delegate: statement.delegate,
    principal: statement.sub,
    aud: statement.aud,
    onward: statement.onward ?? [],
    scope: statement.scope,
    constraints: statement.constraints ?? [],
    ...(statement.task !== undefined && { task: statement.task }),
    ...(statement.sid !== undefined && { sid: statement.sid }),
    max_depth: statement.max_depth,
    depth,
    evidence,
    issued_at: statement.iat,
    expires_at: expiresAt,
    created_at_ms: createdAtMs,
    alive,
    statement: compact,
  }
}
