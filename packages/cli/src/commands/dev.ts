import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Authority } from '@credence/authority'
import { type Command, Option } from 'commander'
import { leaf } from '../command.ts'
import { connection } from '../connection.ts'
import { action, type Context } from '../context.ts'
import { explain, Failure } from '../failure.ts'
import { type Life, live } from '../life/live.ts'
import { duration, storyTo } from '../life/story.ts'
import { type Profile, readProfile, writeProfile } from '../profile.ts'
import { serve } from '../serve.ts'
import type { Terminal } from '../terminal.ts'

type Options = { port?: string; directory?: string; life: boolean; once?: boolean }

export function dev(terminal: Terminal): Command {
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

async function runDev(context: Context<Options>): Promise<void> {
  const { terminal, output, options } = context
  const stopped = terminal.untilStopped()
  const directory = resolve(options.directory ?? terminal.env.CREDENCE_DIRECTORY ?? './.credence')
  const before = readProfile(join(directory, 'cli.json'))
  const authority = await serve(terminal, 'dev', {
    directory,
    ...portFlag(options.port ?? terminal.env.CREDENCE_PORT, before),
  })
  const place = { url: authority.url, directory, again: before !== undefined }
  let life: Life | undefined
  try {
    const profile = profileOf(authority, directory, before)
    writeProfile(join(directory, 'cli.json'), profile)
    greet(context, place)
    if (options.life) {
      const telling = untilToldOr(stopped, context, profile, directory)
      life = await (before === undefined ? telling : telling.catch(inTheWay))
      if (life === undefined) return
    }
    if (options.once) return
    whatNext(context, place)
    await stopped
    output.line(output.paint.dim('\n    Stopping. The data stays; the next start finds it.'))
  } finally {
    await life?.stop()
    await authority.stop()
  }
}

/** Undefined when it was stopped in the middle: what is underway then fails on closed connections, and nobody needs to hear of it. */
async function untilToldOr(
  stopped: Promise<void>,
  { terminal, output }: Context,
  profile: Profile,
  directory: string,
): Promise<Life | undefined> {
  const story = storyTo(terminal.write, terminal)
  const told = live(story, connection(profile.issuer, profile.administrator_secret), directory)
  told.catch(() => undefined)
  const life = await Promise.race([told, stopped.then(() => undefined)])
  if (life !== undefined) {
    output.line(
      `\n    ${output.paint.bold('That was all of it')}, in ${duration(story.tookMs())}: HTTP, keys and a database.`,
    )
  }
  return life
}

/** Whatever it is, it worked when the data was new. */
function inTheWay(error: unknown): never {
  const { code, message, hint } = explain(error)
  const ours = error instanceof Failure && hint !== undefined
  const otherwise =
    'What was done to the data since may be in its way. Begin anew in another --directory, or use --no-life.'
  throw ours ? error : new Failure(code, message, otherwise, { cause: error })
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

type Place = { url: string; directory: string; again: boolean }

function greet({ output: { line, paint } }: Context, { url, directory, again }: Place): void {
  line(`\n    ${paint.bold('Credence')}, in dev mode${again ? ', with the data of earlier starts' : ''}`)
  line()
  line(`    ${paint.dim('authority  ')}${url}`)
  line(
    `    ${paint.dim('data       ')}${shown(directory)}  ${paint.dim('SQLite, the keys of the life, your administrator secret')}`,
  )
}

function whatNext({ output: { line, paint } }: Context, { url, directory }: Place): void {
  const setUp = [
    // Run unbuilt, from a checkout: there is no installed command of this name.
    ...(import.meta.url.endsWith('.ts') ? ["alias credence='npm run --silent credence --'"] : []),
    ...(relative(process.cwd(), directory) === '.credence'
      ? []
      : [`export CREDENCE_CLI_PROFILE=${join(directory, 'cli.json')}`]),
  ]
  const commands = [
    ['credence agents list', 'who is registered'],
    ['credence delegations list', 'who handed what to whom'],
    ['credence agents suspend clerk --wait 2s', 'stop an agent everywhere, on its next call'],
    ['credence audit tail', 'the record, as it is written'],
    ['credence audit verify', 'recompute the log and hold it against its signed head'],
    ['credence --help', 'everything else'],
  ]
  line(`\n    ${paint.bold('It stays up.')} Try, in another terminal, from this directory:\n`)
  for (const text of setUp) line(`    ${text}`)
  for (const [command = '', says = ''] of commands) line(`    ${command.padEnd(41)}  ${paint.dim(says)}`)
  line()
  line(`    ${paint.dim('discovery  ')}${url}/.well-known/oauth-authorization-server`)
  line(`    ${paint.dim('the API    ')}${url}/openapi.json`)
  line(paint.dim('\n    Ctrl-C stops it.'))
}

function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' || near.startsWith('..') ? path : `./${near}`
}
