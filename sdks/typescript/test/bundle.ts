// How much a service takes in with '@credence/sdk/verify': minified, gzipped, without jose.
//   node --conditions=@credence/source sdks/typescript/test/bundle.ts

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const entries = process.argv[2] === undefined ? ['verify', 'index'] : [process.argv[2]]

for (const entry of entries) {
  const { outputFiles } = await build({
    entryPoints: [new URL(`../src/${entry}.ts`, import.meta.url).pathname],
    conditions: ['@credence/source'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['jose', 'jose/*'],
    write: false,
  })
  const [file] = outputFiles ?? []
  if (file === undefined) throw new Error('nothing was built')
  console.log(
    `${entry}: ${file.contents.byteLength} bytes, ${gzipSync(file.contents, { level: 9 }).byteLength} gzipped, without jose`,
  )
}
