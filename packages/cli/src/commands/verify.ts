import type { Command } from 'commander'
import { connected, leaf } from '../command.ts'
import type { Connection } from '../connection.ts'
import { action, type Context } from '../context.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../terminal.ts'
import { reportOn, type TokenReport, tokenFrom } from '../token_report.ts'
import { tellToken } from '../token_text.ts'

export function verify(terminal: Terminal): Command {
  return connected(
    leaf(
      'verify <token>',
      'judge a token as its resource would: issuer, signature, audience, times, and whether anything it rests on has ended',
      [
        'credence verify clerk.token --resource https://shop.example',
        'pbpaste | credence verify - --resource https://shop.example --json',
      ],
    ),
  )
    .requiredOption('--resource <audience>', 'the resource that would be called')
    .addHelpText(
      'after',
      '\nExit code 0: good now. 1: refused, or not known. The token is a file, or - for standard input.',
    )
    .action(
      action<{ resource: string }>(terminal, async (context, given = '') => {
        const { output, options } = context
        const token = await tokenFrom(context, given)
        const nowMs = Date.now()
        const report = await reportOn(token, {
          issuer: context.issuer(),
          audience: options.resource,
          api: standing(context),
          nowMs,
        })
        output.value(report, () => tellToken(output, report, nowMs))
        refuseBad(report)
        if (report.good === 'unknown') {
          throw new Failure(
            'status_unknown',
            report.why ?? 'Its standing is not known.',
            'Give --secret-file, or a profile that has it.',
          )
        }
      }),
    )
}

/** Fails when no resource would let the token in, after it has been told. */
export function refuseBad({ good, code, ended }: TokenReport): void {
  if (good !== 'no') return
  throw new Failure(code ?? 'refused', 'The token is refused.', ended && `It rests on ${ended.id}, which has ended.`)
}

/** The connection to ask about revocations with; undefined when there is no secret for it. */
export function standing(context: Context<unknown>): Connection | undefined {
  try {
    return context.api()
  } catch (error) {
    if (error instanceof Failure && error.code === 'no_secret') return undefined
    throw error
  }
}
