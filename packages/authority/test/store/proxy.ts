import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL that can be cut. */
export type Cutter = {
  url: string
  /**
   * Cuts the connection on which a message holding `text` comes by: before the server has got it, or after, so that its answer
   * never arrives. Once.
   */
  cut(text: string, when: 'before' | 'after'): void
  close(): void
}

export async function proxyTo(url: string): Promise<Cutter> {
  const target = new URL(url)
  const path = `${target.searchParams.get('host')}/.s.PGSQL.${target.port}`
  let armed: { text: Buffer; when: 'before' | 'after' } | undefined
  const sockets = new Set<Socket>()

  const server = createServer((client) => {
    const upstream = connect(path)
    let deaf = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
        sockets.delete(socket)
      })
    }
    client.on('data', (data: Buffer) => {
      const hit = armed && data.indexOf(armed.text) >= 0 ? armed.when : undefined
      if (hit) armed = undefined
      if (hit === 'before') client.destroy()
      else upstream.write(data)
      if (hit === 'after') {
        deaf = true
        // The server has it; by then it has done it, too.
        setTimeout(() => client.destroy(), 200)
      }
    })
    upstream.on('data', (data) => {
      if (!deaf) client.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `postgres://${target.username}@127.0.0.1:${port}${target.pathname}`,
    cut: (text, when) => {
      armed = { text: Buffer.from(text), when }
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
