/**
 * PostgreSQL's files with a migrated database in them. Making them takes a second or more of work, so the first test file of
 * a run makes them, and the others copy them.
 */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import type { LoginPasswords } from '../db/logins.ts'
import { generateLoginPasswords } from '../db/logins.ts'
import { migrate } from '../db/migrate.ts'
import { OWNER } from '../postgres/cluster.ts'
import { createOwnedDatabase, privateUrl } from '../postgres/private-database.ts'
import { startPrivatePostgres } from '../postgres/private-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** tools/run-folder.ts */
    readonly runFolder: string
  }
}

const run = promisify(execFile)

/** The migrated database: others are made as copies of it. */
export const TEMPLATE = 'keyhaven_template'

/** Starts that prove nothing about durability. */
export const FAST = {
  durable: false,
  parameters: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
} as const

/** Puts a cluster into an empty directory, as `startPrivatePostgres` takes it, and says its logins' passwords. */
export async function copyCluster(directory: string): Promise<LoginPasswords> {
  const template = join(inject('runFolder'), 'cluster')
  if (!existsSync(template)) await makeTemplate(template)
  await run('cp', ['-Rp', join(template, 'postgres'), directory])
  return JSON.parse(readFileSync(join(template, 'passwords.json'), 'utf8')) as LoginPasswords
}

/** Appears under its name whole or not at all; where two files make it at once, one of them is kept. */
async function makeTemplate(template: string): Promise<void> {
  const directory = mkdtempSync(`${template}-`)
  chmodSync(directory, 0o711)
  const postgres = await startPrivatePostgres({ directory, ...FAST })
  try {
    const passwords = generateLoginPasswords()
    const { socketFolder } = postgres
    await createOwnedDatabase(socketFolder, TEMPLATE)
    const ownerUrl = privateUrl({ socketFolder, login: OWNER, database: TEMPLATE })
    await migrate({ ownerUrl, passwords, resetPasswords: true })
    writeFileSync(join(directory, 'passwords.json'), JSON.stringify(passwords), { mode: 0o600 })
  } finally {
    await postgres.stop()
  }
  try {
    renameSync(directory, template)
  } catch (fault) {
    if (!existsSync(template)) throw fault
    rmSync(directory, { recursive: true, force: true })
  }
}
