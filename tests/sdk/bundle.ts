import { resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const sources = resolve(import.meta.dirname, '../../sdks/typescript/src')

/** What a bundler for the web makes of a module that imports from the SDK's sources: minified, in one file, nothing left outside. */
export const bundled = async (module: string): Promise<{ text: string; gzipped: number }> => {
  const { outputFiles } = await build({
    stdin: { contents: module, resolveDir: sources, loader: 'ts' },
    conditions: ['@credence/source'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  })
  const text = outputFiles[0]?.text ?? ''
  return { text, gzipped: gzipSync(text, { level: 9 }).byteLength }
}
