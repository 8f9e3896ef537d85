/**
 * Where the Unix socket lies: in PostgreSQL's own private folder, or, where that path is too long for a socket's
 * address, in a short temporary folder that only PostgreSQL's account (and root) can enter.
 */
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { findUnreachableFolder } from './account.ts'

/** unix(7) has 108 bytes with the closing zero, macOS 104. */
const LONGEST_ADDRESS = 103
const SOCKET_NAME = '/.s.PGSQL.5432'

/** The folder, and what removes it when it was made for this run. */
export interface SocketFolder {
  readonly folder: string
  /** False: it is the cluster's folder. */
  readonly temporary: boolean
  readonly remove: () => void
}

/** Chooses the cluster's folder, else a fresh one below the temporary folder, else below /tmp. */
export function chooseSocketFolder(cluster: string, account: PostgresAccount): SocketFolder {
  if (fits(cluster)) return { folder: cluster, temporary: false, remove: () => undefined }
  for (const parent of [tmpdir(), '/tmp']) {
    if (!fits(join(parent, 'keyhaven-XXXXXX')) || findUnreachableFolder(parent, account) !== undefined)
      continue
    const folder = mkdtempSync(join(parent, 'keyhaven-'))
    if (account !== undefined) chownSync(folder, account.uid, account.gid)
    const remove = (): void => {
      rmSync(folder, { recursive: true, force: true })
    }
    return { folder, temporary: true, remove }
  }
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem: 'The data directory’s path is too long for a Unix socket, and so is the temporary folder’s.',
  })
}

function fits(folder: string): boolean {
  return Buffer.byteLength(folder) + SOCKET_NAME.length <= LONGEST_ADDRESS
}
