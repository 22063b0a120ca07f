import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { percentile } from './report.ts'

/** What a round of load saw: answers per second, latency in milliseconds, and how many were not a 2xx. */
export type Round = { perSecond: number; p50: number; p99: number; refused: number; firstRefusal?: string }

export type Form = { body: string; headers?: Record<string, string> }

/**
 * Posts forms, each once, over `connections` keep-alive connections, which take turns among the endpoints (all at one path).
 *
 * The generator runs in this process, on the same machine as the server, and takes its share of the processors: so all of a
 * request's bytes are made beforehand, and of an answer only its status and its length are read. It costs a fifth to a tenth of what the
 * servers do, where a generator for general use costs as much as some of them.
 */
export const postForms = async (
  endpoints: readonly string[],
  forms: readonly Form[],
  connections: number,
): Promise<Round> => {
  const urls = endpoints.map((endpoint) => new URL(endpoint))
  const requests = forms.map((form, n) => bytesOf(form, urls[n % urls.length] as URL))
  const latencies: number[] = []
  let next = 0
  let refused = 0
  let firstRefusal: string | undefined
  const started = performance.now()
  const lane = async (lane: number): Promise<void> => {
    const connection = await open(urls[lane % urls.length] as URL)
    try {
      while (next < requests.length) {
        const asked = performance.now()
        const { status, text } = await connection.ask(requests[next++] as Buffer)
        latencies.push(performance.now() - asked)
        if (status >= 200 && status < 300) continue
        refused++
        firstRefusal ??= text.slice(0, 600)
      }
    } finally {
      connection.close()
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, n) => lane(n)))
  const seconds = (performance.now() - started) / 1000
  return {
    perSecond: (forms.length - refused) / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    refused,
    ...(firstRefusal !== undefined && { firstRefusal }),
  }
}

const bytesOf = ({ body, headers = {} }: Form, { host, pathname }: URL): Buffer => {
  const lines = Object.entries({
    host,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': `${Buffer.byteLength(body)}`,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

type Answer = { status: number; text: string }

/** One connection with one request under way at a time. */
const open = async ({ hostname, port }: URL) => {
  const socket = connect(Number(port), hostname).setNoDelay(true)
  let heard = ''
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.setEncoding('latin1')
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('The server closed the connection.')))
  socket.on('data', (chunk: string) => {
    heard += chunk
    if (!isWhole(heard)) return
    const answer = { status: Number(heard.slice(9, 12)), text: heard }
    heard = ''
    waiting?.resolve(answer)
  })
  return {
    ask: (request: Buffer): Promise<Answer> =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request)
      }),
    close: () => {
      waiting = undefined
      socket.destroy()
    },
  }
}

const isWhole = (text: string): boolean => {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= head + 4 + Number(length)
}

/** Starts a process that reads one JSON value on its input and says on one line, in JSON, when it is ready. */
export const startServer = async <T>(
  command: readonly string[],
  input: unknown,
): Promise<{ ready: T; pid: number; stop(): Promise<void> }> => {
  const [executable, ...args] = command
  if (executable === undefined) throw new Error('nothing to start')
  const child = spawn(executable, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.stdin.end(JSON.stringify(input))
  const ready = await new Promise<T>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk
      const line = text.split('\n').find((each) => each.startsWith('{'))
      if (line !== undefined && text.includes('\n')) resolve(JSON.parse(line) as T)
    })
    child.once('exit', (code) =>
      reject(new Error(`${command.join(' ')} ended with ${code} before it was ready: ${text}`)),
    )
  })
  return {
    ready,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(late)
    },
  }
}
