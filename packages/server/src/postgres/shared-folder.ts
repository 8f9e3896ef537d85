/**
 * A folder as PostgreSQL's account can name it.
 *
 * Root's server gives PostgreSQL another account, which cannot enter a private home, and so not the data directory in
 * it either. On Linux the folder is then opened by root and handed down as an open file: /proc/self/fd/3 leads there
 * without passing the folders above (proc(5)), in PostgreSQL's main process and in every process that it forks.
 */
import { closeSync, openSync } from 'node:fs'
import { KeyhavenError } from 'keyhaven'
import type { PostgresAccount } from './account.ts'
import { findUnreachableFolder } from './account.ts'

/** `path` is valid in a child that inherits `descriptors` after its standard streams. */
export interface SharedFolder {
  readonly path: string
  readonly descriptors: readonly number[]
  /** To be called once the child runs. */
  readonly close: () => void
}

/** Opens the way to a folder; `ERR_START_REFUSED` in words that name `--data` where there is none. */
export function shareFolder(folder: string, account: PostgresAccount): SharedFolder {
  if (findUnreachableFolder(folder, account) === undefined) {
    return { path: folder, descriptors: [], close: () => undefined }
  }
  if (account === undefined || process.platform !== 'linux') throw unreachable(account)
  const descriptor = openSync(folder, 'r')
  return {
    path: '/proc/self/fd/3',
    descriptors: [descriptor],
    close: () => {
      closeSync(descriptor)
    },
  }
}

function unreachable(account: PostgresAccount): KeyhavenError {
  return new KeyhavenError('ERR_START_REFUSED', {
    problem:
      account === undefined
        ? 'The data directory cannot be reached by this user; name another one with --data.'
        : 'PostgreSQL does not run as root, and its own user cannot reach the data directory because a folder above it is private; name one with --data that every user can reach, or start the server as an ordinary user.',
  })
}
