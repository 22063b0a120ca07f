/** A service's verifier in a process of its own: the SDK's, called again and again with every token it is told of. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RevocationMap } from '@credence/protocol'
import { AgentKey, createAgent } from '@credence/sdk'
import { type Clock, createVerifier } from '@credence/sdk/verify'
import { machineMs } from './ledger.ts'
import type { Given, Report, Run, Wanted } from './verifiers.ts'

/** Between two calls with one token. */
const pauseMs = 20

const given = JSON.parse(process.argv[2] ?? '') as Given
const key = await AgentKey.generate()
const through: typeof fetch = (input, init) => {
  const { pathname, search } = new URL(String(input))
  return fetch(`${given.at}${pathname}${search}`, init)
}

/** What a broken one would do, for those who look for it. */
const frozen: Clock = {
  nowMs: Date.now,
  monotonicMs: () => 1,
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
if (given.broken === 'forgets') RevocationMap.prototype.deadBy = () => undefined

const operator = createAgent({ issuer: given.issuer, clientId: given.operator, key, fetch: through })
let verifier: ReturnType<typeof createVerifier> | undefined
const runs: Run[] = []
const current = new Map<string, Run>()

function note(jti: string, scope: string, verdict: string, beganMs: number): void {
  const name = `${jti} ${scope}`
  const run = current.get(name)
  if (run?.verdict === verdict) {
    run.toMs = beganMs
    run.times += 1
    return
  }
  const next = { jti, scope, verdict, fromMs: beganMs, toMs: beganMs, times: 1 }
  current.set(name, next)
  runs.push(next)
}

async function call(jti: string, compact: string, scope: string): Promise<void> {
  const request = { method: 'GET', url: '/', headers: new Headers({ authorization: `Bearer ${compact}` }) }
  for (;;) {
    const beganMs = machineMs()
    const verdict = await verifier?.verify(request, { scope })
    if (verdict) note(jti, scope, verdict.ok ? 'permitted' : verdict.refusal.code, beganMs)
    await sleep(pauseMs)
  }
}

function report(): Report {
  const state = verifier?.state()
  // What goes on is told of as far as it has come, and begins anew.
  const told = runs.splice(0)
  const going = [...current.values()].map(({ jti, scope, verdict }) => ({ jti, scope, verdict }))
  current.clear()
  return { runs: told, going, ready: state?.ready ?? false, feed: state?.issuers[given.issuer] }
}

process.on('message', (wanted: Wanted) => {
  if (wanted.do === 'start') {
    verifier = createVerifier({
      resource: given.resource,
      issuers: [{ issuer: given.issuer, operator, ...(given.whenStale && { whenStale: given.whenStale }) }],
      ...(given.broken === 'frozen' && { clock: frozen }),
    })
  } else if (wanted.do === 'watch') {
    for (const { jti, compact } of wanted.tokens) for (const scope of given.scopes) void call(jti, compact, scope)
  } else {
    process.send?.({ report: report() })
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.({ key: key.publicJwk })
