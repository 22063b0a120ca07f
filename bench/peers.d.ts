/** What the benchmarks use of packages that bring no types. */

declare module 'autocannon' {
  type Request = { method?: string; path?: string; headers?: Record<string, string>; body?: string }
  type Options = {
    url: string
    method: string
    connections: number
    amount: number
    requests: Array<{
      setupRequest(request: Request): Request
      onResponse(status: number, body: string): void
    }>
  }
  type Result = { latency: { p50: number; p99: number } }
  // biome-ignore lint/style/noDefaultExport: it is the package's
  export default function autocannon(options: Options): Promise<Result>
}

declare module 'oidc-provider' {
  import type { Server } from 'node:http'
  export class Provider {
    constructor(issuer: string, configuration: object)
    listen(port: number, host: string, listening: () => void): Server
  }
}
