import type { Command } from 'commander'
import { type AuditRecord, checkLog, proveRecord, readHead, readRecords } from '../audit_log.ts'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { jsonText, moment, type Output, printable } from '../output.ts'
import type { Terminal } from '../terminal.ts'
import { wholeNumber } from '../words.ts'

export function audit(terminal: Terminal): Command {
  return group('audit', 'the record of everything that mattered, and the proof that it is whole', [
    list(terminal),
    tail(terminal),
    head(terminal),
    verify(terminal),
    prove(terminal),
  ])
}

type Filter = { agent?: string; principal?: string; type?: string; task?: string; delegation?: string }

function filters(command: Command): Command {
  return command
    .option('--agent <id>', 'an agent, as actor or subject')
    .option('--principal <id>', 'on whose behalf')
    .option('--type <type>', 'a kind of record, such as token.issued')
    .option('--task <task>', 'a task')
    .option('--delegation <id>', 'a delegation, and what rests on it')
}

function list(terminal: Terminal): Command {
  return filters(
    connected(
      leaf('list', 'records, oldest first', ['credence audit list', 'credence audit list --type token.refused --json']),
    ),
  )
    .option('--after <position>', 'only those behind this position', wholeNumber)
    .option('--limit <n>', 'at most so many', wholeNumber, 1_000)
    .action(
      action<Filter & { after?: number; limit: number }>(terminal, async ({ api, output, options }) => {
        const records: AuditRecord[] = []
        for await (const record of readRecords(api(), filterIn(options), options.after)) {
          if (records.length === options.limit) break
          records.push(record)
        }
        output.value({ items: records }, () => {
          for (const record of records) tell(output, record)
        })
      }),
    )
}

function tail(terminal: Terminal): Command {
  return filters(
    connected(
      leaf('tail', 'the last records, and each new one as it is written; Ctrl-C ends it', [
        'credence audit tail',
        'credence audit tail --type revocation.made',
      ]),
    ),
  )
    .option('--last <n>', 'how many of those that are there', wholeNumber, 10)
    .option('--no-follow', 'end after those that are there')
    .action(
      action<Filter & { last: number; follow: boolean }>(terminal, async ({ api, output, options }) => {
        const connection = api()
        const tellOne = (record: AuditRecord): void =>
          output.json ? output.line(jsonText(record)) : tell(output, record)
        let position = -1
        const last: AuditRecord[] = []
        for await (const record of readRecords(connection, filterIn(options))) {
          position = record.position
          last.push(record)
          if (last.length > options.last) last.shift()
        }
        last.forEach(tellOne)
        if (!options.follow) return
        let stopped = false
        const stop = terminal.untilStopped().then(() => {
          stopped = true
        })
        while (!stopped) {
          await secondOr(stop)
          for await (const record of readRecords(connection, filterIn(options), position)) {
            if (stopped) return
            position = record.position
            tellOne(record)
          }
        }
      }),
    )
}

function head(terminal: Terminal): Command {
  return connected(
    leaf('head', 'size and root of the log, after checking that the authority signed them', ['credence audit head']),
  ).action(
    action(terminal, async ({ api, output }) => {
      const found = await readHead(api())
      output.value(found, () =>
        output.fields({ size: found.size, root: found.root, at: moment(found.at_ms), signed: `by ${found.iss}` }),
      )
    }),
  )
}

function verify(terminal: Terminal): Command {
  return connected(
    leaf('verify', 'read every record, recompute the root, and hold it against the signed head', [
      'credence audit verify',
    ]),
  ).action(
    action(terminal, async ({ api, output }) => {
      const found = await checkLog(api())
      output.value({ ...found, verified: true }, () => {
        output.line(`${output.paint.green('✓')} ${found.size} records give the root the authority signed.`)
        output.fields({ root: found.root, at: moment(found.at_ms) })
      })
    }),
  )
}

function prove(terminal: Terminal): Command {
  return connected(
    leaf('prove <record>', 'prove that one record is in the log', ['credence audit prove aud_…']),
  ).action(
    action(terminal, async ({ api, output }, id = '') => {
      const { record, head: against, path } = await proveRecord(api(), id)
      output.value({ record, head: against, proof: path, verified: true }, () => {
        output.line(
          `${output.paint.green('✓')} ${path.length} hashes lead from record ${record.position} to the signed root of ${against.size} records.`,
        )
        output.fields({ root: against.root, at: moment(against.at_ms) })
        output.line()
        tell(output, record)
      })
    }),
  )
}

function tell({ line, paint }: Output, { position, leaf: entry }: AuditRecord): void {
  const { v: _, id, org: __, at_ms, type, commitments: ___, ...rest } = entry
  const words = Object.entries(rest).map(
    ([name, value]) => `${paint.dim(`${printable(name)}=`)}${printable(String(value))}`,
  )
  const kind = printable(type).padEnd(22)
  const shown = type.endsWith('refused') || type === 'revocation.made' ? paint.yellow(kind) : kind
  const place = printable(String(position)).padStart(5)
  line(`${place}  ${paint.dim(moment(at_ms))}  ${shown}  ${paint.dim(printable(id))}  ${words.join(' ')}`)
}

function filterIn({ agent, principal, type, task, delegation }: Filter): Filter {
  return {
    ...(agent !== undefined && { agent }),
    ...(principal !== undefined && { principal }),
    ...(type !== undefined && { type }),
    ...(task !== undefined && { task }),
    ...(delegation !== undefined && { delegation }),
  }
}

/** A second, cut short by the end. */
function secondOr(stopped: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1_000)
    void stopped.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
