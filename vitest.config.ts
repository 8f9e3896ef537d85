import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { TestProjectInlineConfiguration } from 'vitest/config'

/**
 * They change nothing that outlives a file, so one process loads the library's modules once for many of them. Not so the
 * tests of vault, nostr and legacy: they take the network from their process.
 */
const LIBRARY = 'packages/keyhaven/src/{crypto,identity,recovery,strength,sync}/**/*.test.ts'

function createProject(test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  return {
    // Servers of tests run from source; the page's routes have to refuse in the same words.
    resolve: {
      alias: {
        '@keyhaven/server/routes': fileURLToPath(new URL('packages/server/src/routes.ts', import.meta.url)),
      },
    },
    test: {
      // What hangs ends here; nothing fails because a machine is slow.
      testTimeout: 900_000,
      hookTimeout: 900_000,
      expect: { poll: { timeout: 120_000 } },
      ...test,
    },
  }
}

export default defineConfig({
  test: {
    globalSetup: ['tools/run-folder.ts'],
    // One more than the cores that we count on: files wait for browsers, servers and disks a fifth of their time.
    maxWorkers: 3,
    projects: [
      createProject({ name: 'library', include: [LIBRARY], isolate: false }),
      createProject({
        name: 'apart',
        include: ['packages/*/src/**/*.test.ts', 'e2e/**/*.test.ts', 'tools/**/*.test.ts'],
        exclude: [LIBRARY],
      }),
    ],
  },
})
