import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { connect, connection } from './connection.ts'
import { profilePath, readProfile, writeProfile } from './profile.ts'

const readFile = (path: string): string => readFileSync(path, 'utf8')
const opened: Array<() => void> = []

afterEach(() => {
  for (const close of opened.splice(0)) close()
})

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function profileWith(content: object): { path: string; options: { profile: string } } {
  const path = join(mkdtempSync(join(tmpdir(), 'credence-cli-')), 'cli.json')
  writeFileSync(path, JSON.stringify(content))
  return { path, options: { profile: path } }
}

test('the profile is readable by its owner only, also when it was not before', () => {
  const { path } = profileWith({ issuer: 'https://a.example' })
  writeProfile(path, { issuer: 'https://b.example', administrator_secret: 's' })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readProfile(path)).toEqual({ issuer: 'https://b.example', administrator_secret: 's' })
})

test('a profile that is none is refused with its path', () => {
  const { path } = profileWith({ issuer: 7 })
  expect(() => readProfile(path)).toThrow(expect.objectContaining({ code: 'profile_unreadable' }))
})

test('the named profile goes before the variable, the variable before the directory', () => {
  expect(profilePath({ CREDENCE_CLI_PROFILE: '/env' }, '/named')).toBe('/named')
  expect(profilePath({ CREDENCE_CLI_PROFILE: '/env' })).toBe('/env')
})

test("a profile's secret is never sent to another issuer", () => {
  const { options } = profileWith({ issuer: 'https://a.example', administrator_secret: 's' })
  expect(() => connect({ ...options, issuer: 'https://evil.example' }, {}, readFile)).toThrow(
    expect.objectContaining({ code: 'no_secret' }),
  )
  expect(connect(options, {}, readFile).issuer).toBe('https://a.example')
})

test('the administrator of the installation is asked at the origin', () => {
  const { options } = profileWith({ issuer: 'https://a.example/o/acme', installation_secret: 's' })
  expect(connect(options, {}, readFile, 'installation').issuer).toBe('https://a.example')
})

test('a secret goes over https, or stays on this machine', async () => {
  await expect(connection('http://a.example', 's').get('/v1/agents')).rejects.toMatchObject({ code: 'url_refused' })
  await expect(connection('ftp://localhost', 's').get('/v1/agents')).rejects.toMatchObject({ code: 'url_refused' })
  await expect(connection('http://127.9.9.9', 's').get('/v1/agents')).rejects.toMatchObject({ code: 'url_refused' })
})

test('a redirect is not followed: the secret would travel with it', async () => {
  const seen: IncomingMessage[] = []
  const elsewhere = await listening((request, response) => {
    seen.push(request)
    response.end('{}')
  })
  const issuer = await listening((_, response) => response.writeHead(302, { location: elsewhere }).end())
  await expect(connection(issuer, 's').get('/v1/agents')).rejects.toMatchObject({ code: 'unreachable' })
  expect(seen).toEqual([])
})

test('a problem document becomes its code, sentence and hint', async () => {
  const problem = { title: 'That is taken.', detail: 'clerk', code: 'handle_taken', hint: 'Choose another.' }
  const issuer = await listening((_, response) => response.writeHead(409).end(JSON.stringify(problem)))
  await expect(connection(issuer, 's').send('POST', '/v1/agents', {})).rejects.toMatchObject({
    code: 'handle_taken',
    message: 'That is taken. clerk',
    hint: 'Choose another.',
  })
})

test('what is not from the authority is not taken for it', async () => {
  const issuer = await listening((request, response) => {
    if (request.url === '/page') response.writeHead(502).end('<html>')
    else response.end('<html>')
  })
  await expect(connection(issuer, 's').get('/page')).rejects.toMatchObject({ code: 'http_502' })
  await expect(connection(issuer, 's').get('/other')).rejects.toMatchObject({ code: 'answer_unreadable' })
})
