import { defineConfig } from 'vitest/config'

/** Tests beside other people's daemons and devices: `npm run test:system`. They may install Debian's packages as root. */
export default defineConfig({
  test: {
    include: ['system/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
})
