import { answerText } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'

/** Serves the description of the table that it is itself a row of. */
export function openapi(describe: () => object): Endpoint {
  let text: string | undefined
  return endpoint({
    method: 'get',
    path: '/openapi.json',
    at: 'origin',
    door: 'public',
    summary: 'This API, in OpenAPI 3.1',
    tag: 'Discovery',
    answers: { 200: { description: 'The document.', type: 'application/json' } },
    async handle() {
      text ??= JSON.stringify(describe())
      return answerText(text, 'application/json', 'public, max-age=300')
    },
  })
}
