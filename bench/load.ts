import { spawn } from 'node:child_process'
import autocannon from 'autocannon'

/** What a round of load saw: answers per second, latency in milliseconds, and how many were not a 2xx. */
export type Round = { perSecond: number; p50: number; p99: number; refused: number; firstRefusal?: string }

/**
 * Posts forms that were all prepared beforehand, each once, over `connections` keep-alive connections.
 * The generator runs in this process, on the same machine as the server: it takes its share of the processors.
 */
export const postForms = async (
  url: string,
  forms: ReadonlyArray<{ body: string; headers?: Record<string, string> }>,
  connections: number,
): Promise<Round> => {
  let next = 0
  let refused = 0
  let firstRefusal: string | undefined
  const started = performance.now()
  // The generator's own duration is counted in whole ticks; the last answer is when the round ended.
  let lastAnswer = started
  const result = await autocannon({
    url,
    method: 'POST',
    connections,
    amount: forms.length,
    requests: [
      {
        setupRequest: (request) => {
          const form = forms[next++ % forms.length] as { body: string; headers?: Record<string, string> }
          return {
            ...request,
            body: form.body,
            headers: { 'content-type': 'application/x-www-form-urlencoded', ...form.headers },
          }
        },
        onResponse: (status, body) => {
          lastAnswer = performance.now()
          if (status >= 200 && status < 300) return
          refused++
          firstRefusal ??= `${status} ${body}`.slice(0, 300)
        },
      },
    ],
  })
  return {
    perSecond: ((forms.length - refused) * 1000) / (lastAnswer - started),
    p50: result.latency.p50,
    p99: result.latency.p99,
    refused,
    ...(firstRefusal !== undefined && { firstRefusal }),
  }
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
