import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copyCluster } from '../testing/cluster-template.ts'
import { makeReachableFolder } from '../testing/database.ts'
import { choosePostgresAccount } from './account.ts'
import { stopOrphan } from './orphan.ts'
import { startPrivatePostgres } from './private-postgres.ts'

const account = choosePostgresAccount()
let folder: string
let cluster: string
let stranger: ChildProcess | undefined

beforeEach(() => {
  folder = makeReachableFolder()
  cluster = join(folder, 'postgres')
})

afterEach(() => {
  stranger?.kill('SIGKILL')
  stranger = undefined
  rmSync(folder, { recursive: true, force: true })
})

/** Some other program of PostgreSQL's account, with that process id in PostgreSQL's pid file. */
function plantStranger(cwd: string): ChildProcess {
  stranger = spawn('sleep', ['600'], { ...account, cwd, stdio: 'ignore' })
  const file = join(cluster, 'postmaster.pid')
  writeFileSync(file, `${String(stranger.pid)}\n${cluster}\n`, { mode: 0o600 })
  if (account !== undefined) chownSync(file, account.uid, account.gid)
  return stranger
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

describe('a process that got the id of a PostgreSQL that was killed', () => {
  test('is left alone, also where it works in PostgreSQL’s folder, and its pid file goes', async () => {
    mkdirSync(cluster)
    const other = plantStranger(cluster)
    await stopOrphan(cluster)
    expect(existsSync(join(cluster, 'postmaster.pid'))).toBe(false)
    // The signal of a fault would have been sent by now, and a signal that was sent comes before this one.
    const ended = new Promise((done) =>
      other.once('exit', (_, signal) => {
        done(signal)
      }),
    )
    expect(isRunning(other)).toBe(true)
    other.kill('SIGUSR1')
    expect(await ended).toBe('SIGUSR1')
  })

  test('does not keep PostgreSQL from starting', async () => {
    const options = { directory: folder, durable: false }
    await copyCluster(folder)
    const other = plantStranger('/')
    const postgres = await startPrivatePostgres(options)
    await postgres.stop()
    expect(isRunning(other)).toBe(true)
  })
})

describe('links in PostgreSQL’s folder', () => {
  test('are not followed: what they lead to keeps its contents and its owner', async () => {
    const options = { directory: folder, durable: false }
    await copyCluster(folder)
    for (const name of ['pg_hba.conf', 'pg_ident.conf']) {
      const victim = join(folder, `victim-of-${name}`)
      writeFileSync(victim, 'not PostgreSQL’s', { mode: 0o600 })
      rmSync(join(cluster, name))
      symlinkSync(victim, join(cluster, name))
    }
    await (await startPrivatePostgres(options)).stop()
    for (const name of ['pg_hba.conf', 'pg_ident.conf']) {
      expect(readFileSync(join(folder, `victim-of-${name}`), 'utf8')).toBe('not PostgreSQL’s')
    }
  })
})
