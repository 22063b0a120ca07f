import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Bodies } from './bodies.ts'

/** A request whose body ends when `send` is called. */
function slowRequest() {
  const body = new PassThrough()
  body.write(new Uint8Array([1]))
  const request = { headers: new Headers(), body }
  return { request, send: () => void body.end(new Uint8Array([2])) }
}

const tooSlow = expect.objectContaining({ code: 'body_too_slow' })

test('a body that is whole in time is read, and one that is not is cut', async () => {
  const bodies = new Bodies({ bytes: 16, ms: 60_000 })
  const { request, send } = slowRequest()
  const reading = bodies.read(request, 'a')
  expect(bodies.reading).toBe(1)
  send()
  expect([...(await reading)]).toEqual([1, 2])
  const strict = new Bodies({ bytes: 16, ms: 5 })
  await expect(strict.read(slowRequest().request, 'a')).rejects.toThrow(tooSlow)
  expect([bodies.reading, strict.reading]).toEqual([0, 0])
})

test('an address with too many under way loses the first of them, and others lose nothing', async () => {
  const bodies = new Bodies({ bytes: 16, ms: 60_000 })
  const other = slowRequest()
  const honest = bodies.read(other.request, 'b')
  const outcomes: string[] = []
  const slow = Array.from({ length: 100 }, (_, n) => {
    const { request, send } = slowRequest()
    bodies.read(request, 'a').then(
      () => outcomes.push(`${n} read`),
      ({ code }) => outcomes.push(`${n} ${code}`),
    )
    return send
  })
  await expect.poll(() => outcomes.length).toBeGreaterThanOrEqual(36)
  expect(outcomes).toEqual(Array.from({ length: 36 }, (_, n) => `${n} body_too_slow`))
  expect(bodies.reading).toBe(65)
  // Somebody at the same address who is not slow.
  const quick = slowRequest()
  const reading = bodies.read(quick.request, 'a')
  quick.send()
  expect([...(await reading)]).toEqual([1, 2])
  for (const send of slow) send()
  other.send()
  await honest
  await expect.poll(() => bodies.reading).toBe(0)
})

test('with too many in all, the address with the most loses', async () => {
  const bodies = new Bodies({ bytes: 16, ms: 60_000 })
  const cut: string[] = []
  const begin = (address: string) =>
    void bodies.read(slowRequest().request, address).catch(() => void cut.push(address))
  for (let n = 0; n < 1_000; n += 1) begin(`bot${n}`)
  for (let n = 0; n < 24; n += 1) begin('crowd')
  begin('late')
  await expect.poll(() => cut.length).toBeGreaterThan(0)
  expect(cut).toEqual(['crowd'])
  expect(bodies.reading).toBe(1_024)
})

test('what is too large is not read to its end, and what ends early is malformed', async () => {
  const bodies = new Bodies({ bytes: 1, ms: 1_000 })
  const { request, send } = slowRequest()
  send()
  await expect(bodies.read(request, 'a')).rejects.toMatchObject({ code: 'body_too_large' })
  const ended = slowRequest().request
  ended.body.destroy(new Error('gone'))
  await expect(bodies.read(ended, 'a')).rejects.toMatchObject({ code: 'malformed' })
})
