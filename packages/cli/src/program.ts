import { Command } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { examples } from './command.ts'
import { administrators } from './commands/administrators.ts'
import { agents } from './commands/agents.ts'
import { audit } from './commands/audit.ts'
import { delegations } from './commands/delegations.ts'
import { dev } from './commands/dev.ts'
import { init } from './commands/init.ts'
import { keys } from './commands/keys.ts'
import { organizations } from './commands/organizations.ts'
import { people } from './commands/people.ts'
import { resources } from './commands/resources.ts'
import { restore, revoke } from './commands/revoke.ts'
import { signingKeys } from './commands/signing_keys.ts'
import { type SettingsTable, start } from './commands/start.ts'
import { tokens } from './commands/tokens.ts'
import { verify } from './commands/verify.ts'
import { sentence } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** Every command, on one screen. */
const sections: ReadonlyArray<
  [heading: string, commands: ReadonlyArray<(terminal: Terminal, settings?: SettingsTable) => Command>]
> = [
  ['Run an authority:', [dev, init, start]],
  ['Say who there is:', [organizations, administrators, people, agents, resources, keys, signingKeys]],
  ['Hand over, use, look into:', [delegations, tokens, verify]],
  ['Stop, and look back:', [revoke, restore, audit]],
]

/** @param settings the authority's, for `start`: its flags are they */
export function program(terminal: Terminal, settings?: SettingsTable): Command {
  const root = new Command('credence')
    .description(
      'Identity and delegated authority for AI agents: who is it, for whom does it act, may it do this, now?',
    )
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'say what a command takes')
    // So that a command may have a --version of its own.
    .enablePositionalOptions()
    .helpCommand(false)
    .configureHelp({ helpWidth: 120, commandDescription: (command) => sentence(command.description()) })
    .configureOutput({ writeOut: terminal.write, writeErr: terminal.note, outputError: () => {} })
    .exitOverride()
  examples(root, [
    'credence dev                                   an authority on this machine, and the life of an agent',
    'credence agents list                           who is registered',
    'credence verify a.token --resource <audience>  what a token says, and whether it is good now',
    'credence revoke <id> --wait 2s                 end something, and see who has heard of it',
    'credence audit verify                          recompute the log from its records',
  ])
  for (const [heading, commands] of sections) {
    root.commandsGroup(heading)
    for (const command of commands) root.addCommand(inherit(command(terminal, settings), root))
  }
  return root
}

/** Output and exit behave alike at every level. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).helpCommand(false)
  for (const child of command.commands) inherit(child, command)
  return command
}
