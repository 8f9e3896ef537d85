import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Servers of tests run from source; the page's routes have to refuse in the same words.
  resolve: {
    alias: {
      '@keyhaven/server/routes': fileURLToPath(new URL('packages/server/src/routes.ts', import.meta.url)),
    },
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'e2e/**/*.test.ts', 'tools/**/*.test.ts'],
    globalSetup: ['tools/run-folder.ts'],
    // What hangs ends here; nothing fails because a machine is slow.
    testTimeout: 900_000,
    hookTimeout: 900_000,
    expect: { poll: { timeout: 120_000 } },
    // One more than the cores that we count on: files wait for browsers, servers and disks a fifth of their time.
    maxWorkers: 3,
  },
})
