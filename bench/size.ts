import { bundled } from '../tests/sdk/bundle.ts'
import { type Figure, figure, type Wanted } from './report.ts'

const bundles = [
  {
    name: 'bundle, edge verifier',
    module: `export { createVerifier } from './edge.ts'`,
    goal: { says: 'at most 20 KB (20,000 bytes; 20 KiB are 20,480)', holds: (bytes: number) => bytes <= 20_000 },
  },
  { name: 'bundle, verifier that proves chains too', module: `export { createVerifier } from './verify.ts'` },
  {
    name: 'bundle, edge verifier and the agent that operates it',
    module: `export { createVerifier } from './edge.ts'\nexport { createAgent } from './index.ts'`,
  },
]

/** What a service takes into its bundle, minified and gzipped. No package is left outside: there is no `jose` beside it. */
export const measureSize = async (wanted: Wanted): Promise<Figure[]> => {
  const asked = bundles.filter(({ name }) => wanted(name))
  return Promise.all(
    asked.map(async ({ name, module, goal }) => figure(name, 'bytes', [(await bundled(module)).gzipped], goal)),
  )
}
