import { z } from 'zod'
import { answer } from '../http/answer.ts'
import { type Endpoint, endpoint } from '../http/endpoint.ts'
import type { Store } from '../store/port.ts'

const status = z.object({ status: z.literal('ok') })

/** Whether the process answers at all: for whoever restarts it. */
export const healthEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/healthz',
  at: 'origin',
  door: 'public',
  room: 'none',
  summary: 'Whether the process answers',
  tag: 'Health',
  answers: { 200: { description: 'It does.', schema: status } },
  handle: async () => answer({ status: 'ok' }),
})

/** Whether it can do its work, which takes a store that commits: for whoever sends it requests. */
export const readinessEndpoint: Endpoint = endpoint({
  method: 'get',
  path: '/readyz',
  at: 'origin',
  door: 'public',
  room: 'none',
  summary: 'Whether requests can be served',
  tag: 'Health',
  answers: { 200: { description: 'They can.', schema: status } },
  async handle({ store }) {
    await pingOnce(store)
    return answer({ status: 'ok' })
  },
})

const pinging = new WeakMap<Store, Promise<void>>()

/** However many ask at the same time, the store is asked once. */
function pingOnce(store: Store): Promise<void> {
  const shared = pinging.get(store) ?? store.ping().finally(() => pinging.delete(store))
  pinging.set(store, shared)
  return shared
}
