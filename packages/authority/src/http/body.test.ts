import { expect, test } from 'vitest'
import { z } from 'zod'
import { readBody } from './body.ts'
import type { Endpoint } from './endpoint.ts'

const endpoint = { body: z.looseObject({}), bodyType: 'form' } as unknown as Endpoint
const read = (text: string) =>
  readBody(endpoint, new Request('http://localhost/', { method: 'POST' }), new TextEncoder().encode(text))

test('a form is read with its escapes, and without what has no value', () => {
  expect(read('a=b.c-d_e~f&scope=x%3Ay+z&empty=&none&long=eyJhbGciOiJFUzI1NiJ9.e30.AA')).toEqual({
    a: 'b.c-d_e~f',
    scope: 'x:y z',
    long: 'eyJhbGciOiJFUzI1NiJ9.e30.AA',
  })
})
