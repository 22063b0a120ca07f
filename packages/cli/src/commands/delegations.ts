import type { Command } from 'commander'
import { group } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import { list, show } from './delegation_lists.ts'
import { attest, register, sign } from './delegation_making.ts'

export function delegations(terminal: Terminal): Command {
  return group('delegations', 'who handed what to whom: signed statements, each resting on the one before', [
    sign(terminal),
    register(terminal),
    attest(terminal),
    list(terminal),
    show(terminal),
  ])
}
