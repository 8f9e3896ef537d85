/**
 * The database that settings name, running and migrated: the operator's own, or the private one of the data directory.
 */
import { KeyhavenError } from 'keyhaven'
import { claimDataDirectory } from './data/claim.ts'
import type { DatabaseUrls } from './db/database.ts'
import { migrate } from './db/migrate.ts'
import type { BinarySource } from './postgres/binaries.ts'
import { startPrivateDatabase } from './postgres/private-database.ts'
import type { ServerSettings } from './settings/settings.ts'

/** One step back, of those that a start has to take when it fails or ends. */
export type Undo = () => Promise<void> | void

/** The logins' URLs; what was started for them is undone by `undo`. */
export async function prepareDatabase(input: {
  readonly settings: Pick<ServerSettings, 'database' | 'dataDirectory'>
  readonly signal?: AbortSignal | undefined
  readonly binarySources?: readonly BinarySource[] | undefined
  /** What has to be undone so far, oldest first. */
  readonly undo: Undo[]
}): Promise<DatabaseUrls> {
  const { settings, signal, binarySources, undo } = input
  const external = settings.database
  if (external !== undefined) {
    if (external.owner !== undefined) {
      await migrate({ ownerUrl: external.owner, passwords: external.passwords, resetPasswords: false })
    }
    return external.urls
  }
  undo.push(await claimDataDirectory(settings.dataDirectory))
  throwIfAborted(signal)
  const started = await startPrivateDatabase({
    directory: settings.dataDirectory,
    ...(binarySources === undefined ? {} : { sources: binarySources }),
  })
  undo.push(() => started.stop())
  throwIfAborted(signal)
  await migrate({ ownerUrl: started.ownerUrl, passwords: started.passwords, resetPasswords: true })
  return started.urls
}

/** Newest first; one that fails does not keep the others from being undone. */
export async function runAll(undo: Undo[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch {
      // The rest still has to go.
    }
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new KeyhavenError('ERR_ABORTED', undefined)
}
