import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { claimDataDirectory } from './claim.ts'
import { readProcessStart } from '../postgres/process-state.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyhaven-claim-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function plant(claim: object): void {
  mkdirSync(join(folder, 'servers'), { recursive: true })
  writeFileSync(join(folder, 'servers', 'planted'), JSON.stringify(claim))
}

describe('the claim on a data directory', () => {
  test('is held by one at a time, and free again once given back', async () => {
    const release = await claimDataDirectory(folder)
    await expect(claimDataDirectory(folder)).rejects.toMatchObject({ code: 'ERR_DATA_IN_USE' })
    release()
    const again = await claimDataDirectory(folder)
    again()
    expect(readdirSync(join(folder, 'servers'))).toEqual([])
  })

  test('of twelve that come together exactly one gets it', async () => {
    const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => claimDataDirectory(folder)))
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(readdirSync(join(folder, 'servers')).filter((name) => !name.startsWith('.'))).toHaveLength(1)
  })

  test('of a dead process counts for nothing', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    const start = readProcessStart(child.pid ?? 0)
    await new Promise((done) => child.once('exit', done))
    plant({ pid: child.pid, start, stage: 'running' })
    ;(await claimDataDirectory(folder))()
  })

  test('of a killed process that nobody has reaped counts for nothing', async () => {
    const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const zombie = await new Promise<number>((done) =>
      shell.stdout.once('data', (chunk: Buffer) => {
        done(Number(chunk.toString()))
      }),
    )
    while (readProcessStart(zombie) !== undefined) await new Promise((done) => setTimeout(done, 5))
    expect(() => process.kill(zombie, 0)).not.toThrow()
    plant({ pid: zombie, start: '', stage: 'running' })
    ;(await claimDataDirectory(folder))()
    shell.kill('SIGKILL')
  })

  test('of a process whose id is used again counts for nothing', async () => {
    plant({ pid: process.pid, start: 'another boot/1', stage: 'running' })
    ;(await claimDataDirectory(folder))()
  })

  test('that cannot be read counts for nothing', async () => {
    mkdirSync(join(folder, 'servers'))
    writeFileSync(join(folder, 'servers', 'planted'), '{')
    ;(await claimDataDirectory(folder))()
  })

  test('of a living process counts, also under another name of the directory', async () => {
    plant({ pid: process.pid, start: readProcessStart(process.pid), stage: 'running' })
    await expect(claimDataDirectory(join(folder, '.', 'servers', '..'))).rejects.toMatchObject({
      code: 'ERR_DATA_IN_USE',
    })
  })
})
