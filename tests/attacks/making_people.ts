// Requests that make a person, byte by byte, and how many people came of them.

import type { TestOrganization } from '../authority.ts'

export const people = '/o/acme/v1/people'
export const json = 'Content-Type: application/json\r\n'
export const named = (name: string) => JSON.stringify({ name })

/** @param acme the organization, once there is one. */
export function peopleOf(acme: () => TestOrganization) {
  return {
    /** The first line and headers of an administrator's request, without the empty line after them. */
    head: (method: string, path: string, more = '') =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${acme().administratorSecret}\r\n${more}`,
    countOf: async (): Promise<number> => (await acme().api('get', '/v1/people?limit=200')).body.items.length,
  }
}
