import type { AccessToken } from '@credence/sdk'
import type { Command } from 'commander'
import { type AsAgent, agentIn, asAgent } from '../agent_identity.ts'
import { connected, group, leaf } from '../command.ts'
import { action, type Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { distance, moment } from '../output.ts'
import { keepSecretOf, secretOption } from '../secret_output.ts'
import type { Terminal } from '../terminal.ts'
import { reportOn, tokenFrom } from '../token_report.ts'
import { tellToken } from '../token_text.ts'
import { refuseBad, standing } from './verify.ts'

export function tokens(terminal: Terminal): Command {
  return group('tokens', 'access tokens: get one as an agent, exchange a delegation for one, look into one', [
    get(terminal),
    exchange(terminal),
    show(terminal),
    introspect(terminal),
  ])
}

type Wish = AsAgent & { resource: string; scope?: string; task?: string; out?: string }

function wish(command: Command): Command {
  return secretOption(asAgent(connected(command)))
    .requiredOption('--resource <audience>', 'the one resource it is for')
    .option('--scope <scopes>', 'what for, separated by spaces (default: all that is allowed)')
    .option('--task <task>', 'the task it is for')
}

function get(terminal: Terminal): Command {
  return wish(
    leaf('get', 'a token with which an agent acts for itself', [
      'credence tokens get --as nightly --key nightly.key --resource https://shop.example --out nightly.token',
    ]),
  ).action(
    action<Wish>(terminal, async (context) => {
      const { resource, scope, task } = context.options
      const agent = await agentIn(context)
      await tell(context, () => agent.token({ resource, ...(scope && { scope }), ...(task && { task }) }))
    }),
  )
}

function exchange(terminal: Terminal): Command {
  return wish(
    leaf('exchange <chain-file>', 'a token for what an agent was handed; - reads standard input', [
      'credence tokens exchange ada-to-clerk.chain --as clerk --key clerk.key --resource https://shop.example --scope refunds:create',
    ]),
  ).action(
    action<Wish>(terminal, async (context, file = '') => {
      const { resource, scope, task } = context.options
      const agent = await agentIn(context)
      const delegation = await agent.accept((await context.read(file)).trim())
      await tell(context, () => agent.token({ resource, delegation, ...(scope && { scope }), ...(task && { task }) }))
    }),
  )
}

async function tell({ output, options }: Context<Wish>, get: () => Promise<AccessToken>): Promise<void> {
  const { made: token, kept } = await keepSecretOf(options.out, get, ({ value }) => value)
  const { secret, secret_file } = kept.shown
  const about = {
    type: token.type,
    resource: token.resource,
    scope: token.scope,
    expires_at_ms: token.expiresAtMs,
    ...(secret !== undefined && { token: secret }),
    ...(secret_file !== undefined && { token_file: secret_file }),
  }
  output.value(about, () => {
    output.fields({
      resource: token.resource,
      scope: token.scope,
      type: token.type,
      expires: `${moment(token.expiresAtMs)} (${distance(token.expiresAtMs, Date.now())})`,
    })
    kept.tell(output, 'token')
  })
}

function show(terminal: Terminal): Command {
  return connected(
    leaf(
      'show <token>',
      'everything a token says, after checking that it is its issuer’s and still good; a file, or - for standard input',
      ['credence tokens show clerk.token'],
    ),
  )
    .addHelpText('after', '\nExit code 1 when it is refused, as with `credence verify`.')
    .action(
      action(terminal, async (context, given = '') => {
        const token = await tokenFrom(context, given)
        const nowMs = Date.now()
        const report = await reportOn(token, {
          issuer: context.issuer(),
          audience: undefined,
          api: standing(context),
          nowMs,
        })
        context.output.value(report, () => tellToken(context.output, report, nowMs))
        refuseBad(report)
      }),
    )
}

function introspect(terminal: Terminal): Command {
  return asAgent(
    connected(
      leaf('introspect <token>', 'ask the authority about a token, as the agent that operates its resource', [
        'credence tokens introspect clerk.token --as shop --key shop.key',
      ]),
    ),
  ).action(
    action<AsAgent>(terminal, async (context, given = '') => {
      const agent = await agentIn(context)
      const answer = await agent.introspect(await tokenFrom(context, given))
      context.output.value(answer, () => context.output.fields(answer))
      if (!answer.active) {
        throw new Failure(
          'token_inactive',
          'The token is not alive, or not for a resource that this agent operates.',
          'The authority does not say which: `credence verify` does.',
        )
      }
    }),
  )
}
