import { type Agent, type AgentKey, createAgent } from '@credence/sdk'
import { loadKey } from '@credence/sdk/node'
import { type Command, Option } from 'commander'
import type { Context } from './context.ts'
import { Failure, misused } from './failure.ts'
import { part } from './listing.ts'

export type AsAgent = { as: string; key?: string; secret?: string }

/** For commands that act as an agent: which one, and the file that proves it. */
export function asAgent(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--as <agent>',
        'the agent: its SPIFFE ID, or its handle (which is then looked up)',
      ).makeOptionMandatory(),
    )
    .option('--key <file>', 'its private key (JWK, mode 0600)')
    .option('--secret <file>', 'or a file with its client secret or API key')
}

/** The agent, ready to ask for tokens. */
export async function agentIn(context: Context<AsAgent>): Promise<Agent> {
  const { key, secret } = context.options
  const about = { issuer: context.issuer(), clientId: await spiffeIdOf(context, context.options.as) }
  if (key !== undefined) return createAgent({ ...about, key: await keyIn(key) })
  if (secret !== undefined) return createAgent({ ...about, ...secretIn((await context.read(secret)).trim()) })
  return misused('Say how the agent proves itself: --key or --secret.')
}

/** A secret of the authority's making says by its first letters which kind it is; any other can only be a client secret. */
function secretIn(text: string): { apiKey: string } | { clientSecret: string } {
  return text.startsWith('credence_ak_') ? { apiKey: text } : { clientSecret: text }
}

/** A handle is looked up, which takes a connection; a SPIFFE ID is taken as it is, without asking anybody. */
export async function spiffeIdOf(context: Context<unknown>, agent: string): Promise<string> {
  if (agent.startsWith('spiffe://')) return agent
  return (await context.api().get<{ client_id: string }>(`/v1/agents/${part(agent)}`)).client_id
}

export async function keyIn(file: string): Promise<AgentKey> {
  try {
    return await loadKey(file)
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw new Failure(
      'file_unreadable',
      `The key file ${file} cannot be read.`,
      'Make one with `credence keys generate`.',
      {
        cause,
      },
    )
  }
}
