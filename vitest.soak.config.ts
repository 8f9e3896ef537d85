import { defineConfig } from 'vitest/config'

/** Long rounds: what `npm test` is too short for, and the long form of what it has. */
export default defineConfig({
  test: {
    include: [
      'e2e/**/*.soak.ts',
      'e2e/change-pin-and-rotate.test.ts',
      'e2e/killed-while-changing-the-pointer.test.ts',
      'e2e/killed-while-syncing.test.ts',
      'e2e/realm-decoders.test.ts',
      'e2e/removal.test.ts',
      'e2e/shortened-log.test.ts',
      'e2e/stolen-realm.test.ts',
      'e2e/supabase.test.ts',
      'e2e/life.test.ts',
      'e2e/vault/cut-database.test.ts',
      'packages/keyhaven/src/recovery/decoders.test.ts',
      'packages/keyhaven/src/vault/crash.test.ts',
      'packages/keyhaven/src/vault/tampering.test.ts',
      'packages/server/src/realm/killed-rotation.test.ts',
      'packages/server/src/realm/killed-server.test.ts',
      'packages/server/src/realm/many-servers.test.ts',
      'packages/server/src/realm/unreliable-realms.test.ts',
    ],
    globalSetup: ['tools/run-folder.ts'],
    env: { KEYHAVEN_SOAK: '1' },
    testTimeout: 1_800_000,
    expect: { poll: { timeout: 120_000 } },
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
})
