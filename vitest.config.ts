import { defineConfig } from 'vitest/config'

// The workspaces' sources, not their builds: for what Vite resolves, and for what Node itself resolves in a test's process and the workers it starts.
const source = '@credence/source'
const shared = {
  extends: true as const,
  resolve: { conditions: [source] },
  ssr: { resolve: { conditions: [source, 'node', 'module'] } },
}

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    execArgv: [`--conditions=${source}`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Whatever is waited for comes; how soon is not a test's to say.
    expect: { poll: { timeout: 20_000, interval: 20 } },
    reporters: ['default', './tools/vitest-reporter.mjs'],
    globalSetup: ['./tests/setup.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**', 'sdks/*/src/**'],
      exclude: ['**/*.test.ts', '**/fixtures/**'],
    },
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/*/test/**/*.test.ts',
            'sdks/**/*.test.ts',
            'tools/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**'],
        },
      },
      { ...shared, test: { name: 'black-box', include: ['tests/**/*.test.ts'] } },
    ],
  },
})
