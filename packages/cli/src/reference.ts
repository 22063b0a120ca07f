import type { Command, Option } from 'commander'
import { examplesFor } from './command.ts'
import { sentence } from './failure.ts'

const about = `# The command line

Every command of \`credence\`, from the commands themselves. In a checkout, \`npm run credence -- <command>\` is the same.

Which authority a command talks to, and as whom, is said by, in this order: its flags; \`CREDENCE_CLI_ISSUER\` with
\`CREDENCE_CLI_SECRET_FILE\` or \`CREDENCE_CLI_SECRET\`; the profile, a file at \`--profile\`, \`CREDENCE_CLI_PROFILE\`,
\`./.credence/cli.json\` (written by \`credence dev\`) or \`~/.config/credence/cli.json\`. A secret of a profile is only ever sent to that
profile's issuer, and no secret is ever taken from the command line.

Exit codes: 0 done; 1 refused or failed, with a code and a hint on standard error; 2 words that are off. With \`--json\`, standard
output is one JSON value, and an error is \`{"error": {"code", "message", "hint"}}\` on standard error. \`CREDENCE_CLI_DEBUG=1\` adds where
an error happened.
`

/** The page \`docs/reference/cli.md\`, from the program itself. */
export function renderReference(root: Command): string {
  return `${[about, ...root.commands.flatMap((command) => pages(command, [root.name()]))].join('\n')}`
}

function pages(command: Command, above: readonly string[]): string[] {
  const path = [...above, command.name()]
  const depth = '#'.repeat(path.length)
  const head = `${depth} ${path.join(' ')}\n\n${sentence(command.description())}\n`
  if (command.commands.length > 0) return [head, ...command.commands.flatMap((child) => pages(child, path))]
  const words = command.registeredArguments.map((argument) => ` <${argument.name()}>`).join('')
  const own = command.options.filter(
    ({ helpGroupHeading, long }) => helpGroupHeading === undefined && long !== '--json',
  )
  const settings = command.options.some(({ helpGroupHeading }) => helpGroupHeading === 'Settings:')
  return [
    head,
    `\`\`\`\n${path.join(' ')}${words} [options]\n\`\`\`\n`,
    `\`\`\`sh\n${examplesFor(command).join('\n')}\n\`\`\`\n`,
    ...(settings ? ['Its flags are [the settings of the authority](configuration.md).\n'] : []),
    ...(own.length > 0 ? [`| option | what it is |\n|---|---|\n${own.map(row).join('\n')}\n`] : []),
  ]
}

function row(option: Option): string {
  const given = option.defaultValue === undefined || option.negate ? '' : ` Default: \`${option.defaultValue}\`.`
  const choices =
    option.argChoices === undefined ? '' : ` One of ${option.argChoices.map((one) => `\`${one}\``).join(', ')}.`
  const required = option.mandatory ? ' Required.' : ''
  const says = `${sentence(option.description)}${choices}${given}${required}`
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
  return `| \`${option.flags}\` | ${says} |`
}
