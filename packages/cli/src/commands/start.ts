import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { settings as allSettings } from '@credence/authority'
import { type Command, Option } from 'commander'
import { leaf } from '../command.ts'
import { action } from '../context.ts'
import { serve } from '../serve.ts'
import { refusePassword } from '../store_url.ts'
import type { Terminal } from '../terminal.ts'

export type SettingsTable = typeof allSettings

/** @param settings undefined when another command is meant: the table of the authority takes long to load */
export function start(terminal: Terminal, settings?: SettingsTable): Command {
  const command = leaf('start', 'the authority in production: nothing is assumed, and nothing unsafe is started', [
    'credence init --origin https://id.example.com --domain agents.example.com',
    'set -a; . ./credence.env; set +a; credence start',
  ])
  for (const setting of Object.values(settings ?? {})) {
    if (setting.flag === undefined || setting.variable === 'CREDENCE_DEV_ORGANIZATION') continue
    const option = new Option(`${setting.flag} <value>`, `${setting.sentence} (${setting.variable})`)
    command.addOption(option.helpGroup('Settings:'))
  }
  return command.action(
    action<Record<string, unknown>>(terminal, async ({ output, options }) => {
      const stopped = terminal.untilStopped()
      const flags = flagsIn(options, settings)
      refusePassword(flags.store)
      const secretFile = join(
        resolve(flags.directory ?? terminal.env.CREDENCE_DIRECTORY ?? './.credence'),
        'installation-administrator',
      )
      const before = existsSync(secretFile)
      const authority = await serve(terminal, 'production', flags)
      try {
        const first = !before && existsSync(secretFile)
        output.value({ url: authority.url, port: authority.port, ...(first && { secret_file: secretFile }) }, () => {
          output.line(`The authority answers at ${authority.url} (port ${authority.port}).`)
          if (!first) return
          output.line()
          output.line(`The secret of the first installation administrator is in ${secretFile}, for you alone.`)
          output.line('Take it to a safe place and remove the file. With it:')
          output.line(`  credence organizations create <handle> --issuer ${authority.url} --secret-file ${secretFile}`)
        })
        await stopped
      } finally {
        await authority.stop()
      }
    }),
  )
}

/** What was given of the authority's own flags, by their names. */
function flagsIn(options: Record<string, unknown>, settings: SettingsTable | undefined): Record<string, string> {
  const flags: Record<string, string> = {}
  for (const setting of Object.values(settings ?? {})) {
    const flag = setting.flag?.slice(2)
    const value = flag && options[flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    if (flag !== undefined && typeof value === 'string') flags[flag] = value
  }
  return flags
}
