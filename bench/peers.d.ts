/** What the benchmarks use of packages that bring no types. */

declare module 'oidc-provider' {
  import type { Server } from 'node:http'
  export class Provider {
    constructor(issuer: string, configuration: object)
    listen(port: number, host: string, listening: () => void): Server
  }
}
