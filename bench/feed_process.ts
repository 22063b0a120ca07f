import { type ChildProcess, fork } from 'node:child_process'
import type { JsonObject } from '@credence/protocol'

/** Who listens: the operator of the resource, whose key all these points share. */
export type Operator = { issuer: string; clientId: string; jwk: JsonObject; audience: string; scope: string }

export type Asked =
  /** To have so many points, and answer when all of them are fresh. */
  | { ask: 'count'; count: number }
  /** To answer when none, or all, of them are fresh. */
  | { ask: 'lost' }
  | { ask: 'fresh' }
  /** To make sure that they accept this token. */
  | { ask: 'accept'; token: string }
  /** To answer when all of them have got this `seq`; those that judge, when they refuse what they accepted. */
  | { ask: 'refused'; seq: number }

/** When the last of them had come there. `each`: what each took from the event's arrival to its refusal. Nanoseconds, of one clock. */
export type Said = { at: string; each?: number[] } | { failed: string }

/** Nanoseconds of the clock that all processes of this machine share. */
export const now = (): bigint => process.hrtime.bigint()

export type FeedProcess = {
  ask(asked: Asked): Promise<Extract<Said, { at: string }>>
  pid: number
  stop(): void
}

export const startFeedProcess = async (file: string, operator: Operator): Promise<FeedProcess> => {
  const child = fork(file, { execArgv: ['--conditions=@credence/source'] })
  child.send(operator)
  await next(child)
  return {
    ask: async (asked) => {
      child.send(asked)
      const said = (await next(child)) as Said
      if ('failed' in said) throw new Error(`${file}: ${said.failed}`)
      return said
    },
    pid: child.pid ?? 0,
    stop: () => child.disconnect(),
  }
}

const next = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a process of the feed ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })

/** In such a process: the first thing it is told, to which it answers that it is there. */
export const told = <T>(): Promise<T> =>
  new Promise((resolve) => {
    process.once('message', (message) => {
      process.send?.('there')
      resolve(message as T)
    })
  })
