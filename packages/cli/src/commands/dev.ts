import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Authority } from '@credence/authority'
import { Option } from 'commander'
import { leaf } from '../command.ts'
import { connection } from '../connection.ts'
import { action, type Context } from '../context.ts'
import { Failure } from '../failure.ts'
import { type Life, live } from '../life/live.ts'
import { storyTo } from '../life/story.ts'
import { type Profile, readProfile, writeProfile } from '../profile.ts'
import { serve } from '../serve.ts'
import type { Terminal } from '../terminal.ts'

type Options = { port?: string; directory?: string; life: boolean; once?: boolean }

export function dev(terminal: Terminal) {
  return leaf('dev', 'an authority on this machine, and the life of an agent shown on it once', [
    'credence dev',
    'credence dev --port 5600 --directory /tmp/try --no-life',
  ])
    .option('--port <number>', 'where to listen (default: 4600, or where the data of the directory is at home)')
    .option('--directory <path>', 'where data and keys are kept (default: ./.credence)')
    .option('--no-life', 'do not run the life of an agent')
    .addOption(new Option('--once', 'stop after the life instead of staying up'))
    .action(action<Options>(terminal, runDev))
}

async function runDev({ terminal, output, options }: Context<Options>): Promise<void> {
  const { paint } = output
  const stopped = terminal.untilStopped()
  const directory = resolve(options.directory ?? terminal.env.CREDENCE_DIRECTORY ?? './.credence')
  const path = join(directory, 'cli.json')
  const before = readProfile(path)
  const authority = await serve(terminal, 'dev', {
    directory,
    ...portFlag(options.port ?? terminal.env.CREDENCE_PORT, before),
  })
  let life: Life | undefined
  try {
    const profile = profileOf(authority, directory, before)
    writeProfile(path, profile)
    greet({ terminal, output, url: authority.url, directory, again: before !== undefined })
    if (options.life) {
      const telling = live(
        storyTo(terminal.write, terminal.colour),
        connection(profile.issuer, profile.administrator_secret),
        directory,
      )
      // Stopped in the middle: the life then fails on closed connections, and nobody needs to hear of it.
      telling.catch(() => undefined)
      life = await Promise.race([telling, stopped.then(() => undefined)])
    }
    if (options.once) return
    if (life !== undefined || !options.life) output.line(whatNext({ output, url: authority.url, directory }))
    await stopped
    output.line(paint.dim('\nStopping. The data stays where it is; the next start finds it.'))
  } finally {
    await life?.stop()
    await authority.stop()
  }
}

/** The issuer of dev mode is its origin, so its data is at home on one port; a start without a port goes there. */
function portFlag(port: string | undefined, before: Profile | undefined): { port?: string } {
  const home = before && URL.canParse(before.issuer) ? new URL(before.issuer).port : undefined
  const wanted = port === undefined || (port === '0' && home !== undefined) ? home : port
  return wanted === undefined ? {} : { port: wanted }
}

function profileOf({ url }: Authority, directory: string, before: Profile | undefined): Profile {
  const secret = (name: string): string | undefined => {
    const file = join(directory, name)
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  }
  const administrator = secret('dev-administrator') ?? before?.administrator_secret
  const installation = secret('installation-administrator') ?? before?.installation_secret
  if (administrator === undefined) {
    throw new Failure(
      'no_secret',
      `The data in ${directory} is here, and the administrator secret that belongs to it is not.`,
      'Put cli.json or dev-administrator back, or begin anew in another --directory.',
    )
  }
  return {
    issuer: url,
    administrator_secret: administrator,
    ...(installation !== undefined && { installation_secret: installation }),
  }
}

type Place = { url: string; directory: string }

function greet({
  output,
  url,
  directory,
  again,
}: Pick<Context, 'terminal' | 'output'> & Place & { again: boolean }): void {
  const { paint } = output
  output.line(`\n    ${paint.bold('Credence')}, in dev mode${again ? ', with the data of earlier starts' : ''}`)
  output.line()
  output.line(`    ${paint.dim('authority  ')}${url}`)
  output.line(
    `    ${paint.dim('data       ')}${shown(directory)}  ${paint.dim('SQLite, keys of the life, your administrator secret')}`,
  )
}

function whatNext({ output, url, directory }: Pick<Context, 'output'> & Place): string {
  const { paint } = output
  const flag =
    relative(process.cwd(), directory) === '.credence' ? '' : ` --profile ${shown(join(directory, 'cli.json'))}`
  const line = (command: string, says: string): string =>
    `    ${`credence ${command}${flag}`.padEnd(48)}  ${paint.dim(says)}`
  return [
    '',
    `    ${paint.bold('It stays up.')} In another terminal (npm run credence -- …, from here):`,
    '',
    line('agents list', 'who is registered'),
    line('delegations list', 'who handed what to whom'),
    line('audit tail', 'the record, as it is written'),
    line('audit verify', 'recompute the log and hold it against its signed head'),
    line('agents suspend clerk', 'stop an agent everywhere, on its next call'),
    '',
    `    ${paint.dim('discovery  ')}${url}/.well-known/oauth-authorization-server`,
    `    ${paint.dim('the API    ')}${url}/openapi.json`,
    '',
    paint.dim('    Ctrl-C stops it.'),
  ].join('\n')
}

function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('..') ? path : `./${near}`
}
