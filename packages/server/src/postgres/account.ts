/**
 * As whom PostgreSQL runs. It refuses to run as root, so a server that runs as root gives it the account `postgres`
 * where there is one, else 65534 (`nobody`); an ordinary user's server runs it as that user.
 */
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The user and group that PostgreSQL's processes run as; `undefined` means: the server's own. */
export type PostgresAccount = { readonly uid: number; readonly gid: number } | undefined

const NOBODY = 65534

/** Chooses the account by who runs this process. */
export function choosePostgresAccount(): PostgresAccount {
  if (process.getuid?.() !== 0) return undefined
  const entry = readAccountFile().find((fields) => fields[0] === 'postgres')
  const uid = Number(entry?.[2])
  const gid = Number(entry?.[3])
  return uid > 0 && gid > 0 ? { uid, gid } : { uid: NOBODY, gid: NOBODY }
}

function readAccountFile(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}

/** The first folder on the way to `path`, itself included, that the account may not pass through (or program, not run). */
export function findUnreachableFolder(path: string, account: PostgresAccount): string | undefined {
  const folders: string[] = []
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    folders.unshift(folder)
    if (folder === dirname(folder)) break
  }
  return folders.find((folder) => !mayPass(folder, account))
}

function mayPass(folder: string, account: PostgresAccount): boolean {
  try {
    if (account === undefined) {
      accessSync(folder, constants.X_OK)
      return true
    }
    const { mode, uid, gid } = statSync(folder)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    return ((mode >> shift) & 1) === 1
  } catch {
    return false
  }
}
