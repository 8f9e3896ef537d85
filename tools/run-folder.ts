/**
 * One temporary folder for a whole run of the tests, where the first file that needs something costly, such as a new
 * PostgreSQL cluster, leaves it for the others to copy. Removed after the run; every account may pass through it.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    readonly runFolder: string
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven-run-'))
  await chmod(folder, 0o711)
  provide('runFolder', folder)
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
}
