import type { Command } from 'commander'
import { connected, leaf } from '../command.ts'
import { action } from '../context.ts'
import { printable } from '../output.ts'
import { type Revoked, reachLines } from '../revocation.ts'
import type { Terminal } from '../terminal.ts'
import { waiting } from '../words.ts'

type Options = { cause: string; note?: string; wait?: number }

export function revoke(terminal: Terminal): Command {
  return connected(
    leaf('revoke <id>', 'end something, and everything that rests on it; says by when nobody can use it any more', [
      'credence revoke dlg_… --cause withdrawn --wait 2s',
      "credence revoke psn_… --cause left --note 'Last day was Friday.'",
      'credence revoke task:booking-77',
    ]),
  )
    .option('--cause <word>', 'why, in one word: it stays in the log for ever', 'withdrawn')
    .option('--note <text>', 'why, in words; the log holds a commitment to it only')
    .option(
      '--wait <duration>',
      'how long to wait for enforcement points to have heard: 500ms, 2s or plain seconds, at most 10s',
      waiting,
    )
    .addHelpText(
      'after',
      '\nThe id is that of a token (tok_), delegation (dlg_), credential (crd_), instance (ins_), agent (agt_), person (psn_) or\norganization (org_), or task:<task>. Agents, instances, people and organizations may come back: credence restore.',
    )
    .action(
      action<Options>(terminal, async ({ api, output, options }, id) => {
        const revoked = await api().send<Revoked>('POST', '/v1/revocations', {
          id,
          cause: options.cause,
          ...(options.note !== undefined && { note: options.note }),
          ...(options.wait !== undefined && { wait_ms: options.wait }),
        })
        output.value(revoked, () => {
          const already = revoked.already_ended ? ' already' : ''
          output.line(`${printable(revoked.id)} has ended${already}: ${printable(revoked.cause)}.`)
          for (const line of reachLines(revoked, output.paint)) output.line(line)
        })
      }),
    )
}

export function restore(terminal: Terminal): Command {
  return connected(
    leaf('restore <id>', 'bring back an agent, instance, person or organization; what it held before stays dead', [
      'credence restore agt_…',
    ]),
  ).action(
    action(terminal, async ({ api, output }, id) => {
      const restored = await api().send<{ id: string }>('POST', '/v1/revocations/restore', { id })
      output.value(restored, () => output.line(`${printable(restored.id)} is back. It needs new tokens.`))
    }),
  )
}
