import { readFileSync } from 'node:fs'
import type { JsonObject } from '@credence/protocol'
import { isJsonObject, parseJson } from '@credence/protocol'
import type { Command } from 'commander'
import { type Connection, type ConnectionOptions, connect, connection, issuerOf } from './connection.ts'
import { Failure } from './failure.ts'
import { type Output, outputTo } from './output.ts'
import type { Terminal } from './terminal.ts'

type Given = { json?: boolean } & ConnectionOptions

/** What the action of one command works with. `Options`: its own options, as commander names them. */
export type Context<Options = object> = {
  terminal: Terminal
  output: Output
  options: Given & Options
  /** The issuer the command is about; needs no secret. */
  issuer(): string
  /** The authority's API, as an administrator of the organization. */
  api(): Connection
  /** The same, as an administrator of the installation. */
  installation(): Connection
  /** The same, as nobody. */
  anybody(): Connection
  /** A file's text; `-` is standard input. */
  read(path: string): Promise<string>
  /** A file's JSON object; `-` is standard input. */
  readObject(path: string): Promise<JsonObject>
}

/** Turns a function of context and arguments into what commander wants. */
export function action<Options = object>(
  terminal: Terminal,
  run: (context: Context<Options>, ...args: string[]) => Promise<void> | void,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals() as Given & Options
    const read = async (path: string) => (path === '-' ? terminal.readStandardInput() : readFile(path))
    await run(
      {
        terminal,
        options,
        output: outputTo(terminal.write, { json: options.json === true, colour: terminal.colour }),
        issuer: () => issuerOf(options, terminal.env),
        api: () => connect(options, terminal.env, readFile),
        installation: () => connect(options, terminal.env, readFile, 'installation'),
        anybody: () => connection(issuerOf(options, terminal.env)),
        read,
        readObject: async (path) => objectIn(path, await read(path)),
      },
      ...(given.slice(0, -2) as string[]),
    )
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = { ENOENT: 'there is none', EACCES: 'it is not yours to read', EISDIR: 'it is a directory' }
    const code = (cause as NodeJS.ErrnoException).code as keyof typeof why
    throw new Failure('file_unreadable', `The file ${path} cannot be read: ${why[code] ?? code}.`, undefined, { cause })
  }
}

function objectIn(path: string, text: string): JsonObject {
  const where = path === '-' ? 'Standard input' : `The file ${path}`
  try {
    const value = parseJson(text)
    if (isJsonObject(value)) return value
  } catch (cause) {
    throw new Failure('not_json', `${where} is not strict JSON.`, undefined, { cause })
  }
  throw new Failure('not_json', `${where} is not a JSON object.`)
}
