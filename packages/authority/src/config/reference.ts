import { z } from 'zod'
import { type Setting, settings } from '../config.ts'

type Json = Record<string, unknown>

/** The page `docs/reference/configuration.md`: every setting, as the table declares it. */
export function renderReference(): string {
  const rows = Object.values(settings).map((setting) => {
    const { variable, flag, secret, sentence } = setting
    const names = [`\`${variable}\``, ...(secret ? [`\`${variable}_FILE\``] : []), ...(flag ? [`\`${flag}\``] : [])]
    return `| ${names.join('<br>')} | ${defaultOf(setting)} | ${sentence.replaceAll('|', '\\|')}${boundsOf(setting)} |`
  })
  return `# Configuration

Every setting of the authority. A flag goes before its variable, a variable before the default. An unknown setting, one that is
missing, and a combination that is not safe each stop the start with a sentence that says what to do. A secret may be given as
a file, by the variable with \`_FILE\`.

\`credence dev\` needs none of these. \`credence start\` needs those marked *required*.

| setting | default | what it is |
|---|---|---|
${rows.join('\n')}
`
}

/** The environment of the authority as a JSON Schema, for whoever checks a deployment before it starts. */
export function configurationSchema(): Json {
  const properties: Json = {}
  for (const { variable, secret, sentence, type } of Object.values(settings)) {
    properties[variable] = { description: sentence, ...textForm(type), ...(secret && { writeOnly: true }) }
    if (secret) properties[`${variable}_FILE`] = { type: 'string', description: `A file that holds ${variable}.` }
  }
  const required = Object.values(settings).filter((setting) => isRequired(setting))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Environment of the Credence authority in production',
    type: 'object',
    patternProperties: { '^(?!CREDENCE_)': true },
    properties,
    additionalProperties: false,
    allOf: required.map(({ variable, secret }) =>
      secret ? { oneOf: [{ required: [variable] }, { required: [`${variable}_FILE`] }] } : { required: [variable] },
    ),
  }
}

function isRequired({ byDefault, optional }: Setting<unknown>): boolean {
  const production = typeof byDefault === 'object' ? byDefault.production : byDefault
  return production === undefined && !optional
}

function defaultOf(setting: Setting<unknown>): string {
  const { byDefault } = setting
  if (isRequired(setting)) return '*required*'
  if (byDefault === undefined) return ''
  if (typeof byDefault === 'string') return `\`${byDefault}\``
  return Object.entries(byDefault)
    .map(([mode, text]) => `\`${text}\` (${mode})`)
    .join('<br>')
}

/** The bounds of a number: they stand in its type, so that no sentence repeats them. */
function boundsOf({ type }: Setting<unknown>): string {
  const { minimum, maximum } = z.toJSONSchema(type, { unrepresentable: 'any' })
  return minimum === undefined || maximum === undefined ? '' : ` ${minimum} to ${maximum}.`
}

/** In an environment everything is text. */
function textForm(type: z.ZodType): Json {
  const { $schema: _, ...form } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' })
  return form
}
