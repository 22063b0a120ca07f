import { Command, Option } from 'commander'

const examplesOf = new WeakMap<Command, readonly string[]>()

/** What `examples` was told of a command; none for a group. */
export function examplesFor(command: Command): readonly string[] {
  return examplesOf.get(command) ?? []
}

/** Lines a reader can type as they stand; shown by --help and in the reference. */
export function examples(command: Command, lines: readonly string[]): Command {
  examplesOf.set(command, lines)
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** A command that does something: `words` as commander takes them (`register <name>`). Every one of them prints JSON when asked to. */
export function leaf(words: string, description: string, lines: readonly string[]): Command {
  const command = new Command(words.split(' ')[0])
  const rest = words.split(' ').slice(1).join(' ')
  if (rest !== '') command.arguments(rest)
  command.description(description).addOption(new Option('--json', 'print one JSON value instead of text'))
  return examples(command, lines)
}

/** Which authority to talk to, and as whom: for commands that use its API. */
export function connected(command: Command): Command {
  return command
    .addOption(
      new Option('--issuer <url>', 'the organization (default: the profile’s, or CREDENCE_CLI_ISSUER)').helpGroup(
        'Connection:',
      ),
    )
    .addOption(
      new Option('--secret-file <file>', 'a file with the administrator secret (default: the profile’s)').helpGroup(
        'Connection:',
      ),
    )
    .addOption(
      new Option(
        '--profile <file>',
        'where issuer and secret are kept (default: ./.credence/cli.json, which dev mode writes)',
      ).helpGroup('Connection:'),
    )
}

/** A command that only holds others. */
export function group(name: string, description: string, children: readonly Command[]): Command {
  const command = new Command(name).description(description)
  for (const child of children) command.addCommand(child)
  return command
}
