/**
 * The files of a private PostgreSQL: made once, under another name until they are complete, and told at each start who
 * may log in. The superuser and the owner come in by the operating system's word alone (`peer`), so there is no
 * password of theirs to keep; the server's own logins need a password (`scram-sha-256`).
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import {
  chownSync,
  closeSync,
  existsSync,
  fchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { KeyhavenError } from 'keyhaven'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { PostgresAccount } from './account.ts'
import { shareFolder } from './shared-folder.ts'

/** Bootstrap superuser; used once, to make the owner. */
export const SUPERUSER = 'keyhaven_superuser'
/** Owner of the database: no superuser; migrations run under it. */
export const OWNER = 'keyhaven_owner'
/** The one database. */
export const DATABASE = 'keyhaven'

/** The major version that made the cluster, or `undefined` when there is none. */
export function readClusterVersion(folder: string): number | undefined {
  const file = join(folder, 'PG_VERSION')
  if (!existsSync(file)) return undefined
  return Number.parseInt(readFileSync(file, 'utf8'), 10)
}

/** Makes the cluster with `initdb`, with checksums; complete under its name or not at all. */
export async function createCluster(input: {
  readonly folder: string
  readonly binaries: string
  readonly account: PostgresAccount
  readonly durable: boolean
}): Promise<void> {
  removeDrafts(input.folder)
  const draft = `${input.folder}.new-${toHex(randomBytes(8))}`
  makeFolder(draft, input.account)
  const shared = shareFolder(draft, input.account)
  const options = [
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--auth=peer',
    `--username=${SUPERUSER}`,
  ]
  if (!input.durable) options.push('--no-sync', '--wal-segsize=1')
  const child = spawn(join(input.binaries, 'initdb'), ['-D', shared.path, ...options], {
    ...input.account,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'ignore', ...shared.descriptors],
    detached: true,
  })
  shared.close()
  if (await succeeds(child)) {
    renameSync(draft, input.folder)
    return
  }
  rmSync(draft, { recursive: true, force: true })
  throw new KeyhavenError('ERR_START_REFUSED', {
    problem: 'PostgreSQL could not make its files in the data directory (initdb failed).',
  })
}

/** What a killed start left. Its initdb may still be at work in there, which is why each draft has a name of its own. */
function removeDrafts(folder: string): void {
  const prefix = `${basename(folder)}.new-`
  for (const name of readdirSync(dirname(folder)).filter((found) => found.startsWith(prefix))) {
    try {
      rmSync(join(dirname(folder), name), { recursive: true, force: true })
    } catch {
      // The next start finds it again.
    }
  }
}

function succeeds(child: ChildProcess): Promise<boolean> {
  return new Promise((done) => {
    child.once('error', () => {
      done(false)
    })
    child.once('exit', (code) => {
      done(code === 0)
    })
  })
}

function makeFolder(folder: string, account: PostgresAccount): void {
  mkdirSync(folder, { mode: 0o700 })
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
}

/** Writes who may log in and how. Only Unix sockets are open at all. */
export function writeAccessRules(folder: string, account: PostgresAccount): void {
  const rules = [
    `local all ${SUPERUSER} peer map=keyhaven`,
    `local all ${OWNER} peer map=keyhaven`,
    'local all all scram-sha-256',
    '',
  ]
  const user = userInfo().username
  const map = [`keyhaven "${user}" ${SUPERUSER}`, `keyhaven "${user}" ${OWNER}`, '']
  writeOwned(join(folder, 'pg_hba.conf'), rules.join('\n'), account)
  writeOwned(join(folder, 'pg_ident.conf'), map.join('\n'), account)
}

/**
 * Puts a file in the place of whatever is there. The folder is PostgreSQL's account's, which is not trusted by a server that
 * runs as root: a link that it left there is replaced, never followed.
 */
function writeOwned(file: string, text: string, account: PostgresAccount): void {
  const draft = `${file}.${toHex(randomBytes(8))}`
  const handle = openSync(draft, 'wx', 0o600)
  try {
    writeSync(handle, text)
    if (account !== undefined) fchownSync(handle, account.uid, account.gid)
  } finally {
    closeSync(handle)
  }
  renameSync(draft, file)
}
