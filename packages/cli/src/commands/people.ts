import type { Command } from 'commander'
import { connected, group, leaf } from '../command.ts'
import { action } from '../context.ts'
import { listAll, part } from '../listing.ts'
import { moment } from '../output.ts'
import { type Ending, ending, endingQuery, type Revoked, tellEnded } from '../revocation.ts'
import type { Terminal } from '../terminal.ts'
import { type Permission, permission } from '../words.ts'

type Key = { id: string; kid: string; created_at_ms: number; ended_at_ms?: number }
type Person = {
  id: string
  name: string
  permissions: Permission[]
  status: string
  created_at_ms: number
  keys?: Key[]
}

export function people(terminal: Terminal): Command {
  return group('people', 'the people on whose behalf agents act, and the keys they sign with', [
    register(terminal),
    list(terminal),
    show(terminal),
    change(terminal),
    enroll(terminal),
    endKey(terminal),
  ])
}

function register(terminal: Terminal): Command {
  return connected(
    leaf('register <name>', 'a person, and what they may do themselves: nobody can be handed more than that', [
      "credence people register Ada --may 'https://shop.example=orders:read refunds:create'",
    ]),
  )
    .option('--may <resource=scopes>', 'a permission at one resource (repeatable)', permission)
    .action(
      action<{ may?: Permission[] }>(terminal, async ({ api, output, options }, name) => {
        const person = await api().send<Person>('POST', '/v1/people', { name, permissions: options.may ?? [] })
        output.value(person, () => output.fields(fieldsOf(person)))
      }),
    )
}

function list(terminal: Terminal): Command {
  return connected(leaf('list', 'everybody in the directory', ['credence people list'])).action(
    action(terminal, async ({ api, output }) => {
      const found = await listAll<Person>(api(), '/v1/people')
      output.value(found, () =>
        output.table(
          ['id', 'name', 'status', 'registered'],
          found.items.map((each) => [each.id, each.name, each.status, moment(each.created_at_ms)]),
        ),
      )
    }),
  )
}

function show(terminal: Terminal): Command {
  return connected(
    leaf('show <person>', 'a person, what they may do, and their keys', ['credence people show psn_…']),
  ).action(
    action(terminal, async ({ api, output }, person = '') => {
      const found = await api().get<Person>(`/v1/people/${part(person)}`)
      output.value(found, () => {
        output.fields(fieldsOf(found))
        output.line()
        output.table(
          ['key', 'key id', 'enrolled', 'ended'],
          (found.keys ?? []).map((key) => [key.id, key.kid, moment(key.created_at_ms), moment(key.ended_at_ms)]),
        )
      })
    }),
  )
}

function change(terminal: Terminal): Command {
  return connected(
    leaf(
      'change <person>',
      'change what is given; the rest stays. What was handed over shrinks with what they may do',
      ["credence people change psn_… --may 'https://shop.example=orders:read'"],
    ),
  )
    .option('--name <name>', 'what they are called')
    .option('--may <resource=scopes>', 'all that they may do, instead of what was there (repeatable)', permission)
    .action(
      action<{ name?: string; may?: Permission[] }>(terminal, async ({ api, output, options }, person = '') => {
        const changed = await api().send<Person>('PATCH', `/v1/people/${part(person)}`, {
          ...(options.name !== undefined && { name: options.name }),
          ...(options.may !== undefined && { permissions: options.may }),
        })
        output.value(changed, () => output.fields(fieldsOf(changed)))
      }),
    )
}

function enroll(terminal: Terminal): Command {
  return connected(
    leaf(
      'enroll <person> <public-key-file>',
      "a person's public key, so that what it signs counts as theirs; - reads standard input",
      ['credence keys generate ada.key > ada.pub && credence people enroll psn_… ada.pub'],
    ),
  ).action(
    action(terminal, async ({ api, output, readObject }, person = '', file = '') => {
      const jwk = await readObject(file)
      const key = await api().send<Key>('POST', `/v1/people/${part(person)}/keys`, { jwk })
      output.value(key, () => output.fields({ credential: key.id, 'key id': key.kid }))
    }),
  )
}

function endKey(terminal: Terminal): Command {
  const command = leaf('end-key <person> <credential>', "end a person's key, and every delegation it signed", [
    'credence people end-key psn_… crd_… --cause lost --wait 2s',
  ])
  return ending(connected(command)).action(
    action<Ending>(terminal, async ({ api, output, options }, person = '', credential = '') => {
      const path = `/v1/people/${part(person)}/keys/${part(credential)}${endingQuery(options)}`
      const ended = await api().send<Revoked>('DELETE', path)
      tellEnded(output, ended, `${ended.id} has ended, and all that it signed.`)
    }),
  )
}

function fieldsOf(person: Person): Record<string, unknown> {
  return {
    id: person.id,
    name: person.name,
    status: person.status,
    may: person.permissions.map(({ resource, scope }) => `${scope} at ${resource}`).join('; ') || 'nothing',
  }
}
