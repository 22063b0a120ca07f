// Builds every package: ES modules and type declarations into its dist folder.

import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const packages = ['packages/protocol', 'packages/authority', 'packages/cli', 'sdks/typescript']

// A file whose source is gone must not be published.
for (const path of packages) rmSync(join(root, path, 'dist'), { recursive: true, force: true })
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '--build', '--force', ...packages],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
if (status === 0) chmodSync(join(root, 'packages/cli/dist/main.js'), 0o755)
process.exitCode = status ?? 1
