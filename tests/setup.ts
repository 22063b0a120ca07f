// Once per test run, in vitest's own process: answers the test processes' requests for a database (tests/postgres.ts), and starts the
// one PostgreSQL server when the first comes.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type PostgresServer, startPostgres } from './postgres.ts'

export async function setup(): Promise<(() => Promise<void>) | undefined> {
  // Called for each vitest project.
  if (process.env.CREDENCE_TEST_POSTGRES) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'credence-run-'))
  // Whatever ends this process; a teardown does not run after every signal.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const socket = join(directory, 'databases')
  // What processes of this run compile, those after them find: most of what a short one does is compile.
  process.env.NODE_COMPILE_CACHE ??= join(directory, 'compiled')
  // What each part of a long campaign came to.
  process.env.CREDENCE_TEST_CAMPAIGN = join(directory, 'campaign')

  let started: Promise<PostgresServer> | undefined
  const service = createServer(async (_request, response) => {
    try {
      started ??= startPostgres()
      const { url } = await started
      response.end(await createDatabase(url))
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    }
  })
  await new Promise<void>((resolve) => service.listen(socket, resolve))
  process.env.CREDENCE_TEST_POSTGRES = socket

  return async () => {
    delete process.env.CREDENCE_TEST_POSTGRES
    service.close()
    await started?.then(
      (server) => server.stop(),
      () => {},
    )
  }
}
