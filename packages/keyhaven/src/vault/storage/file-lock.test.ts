import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { takeFileLock } from './file-lock.ts'
import { fileOperations } from './file-operations.ts'
import '../testing/no-network.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function freshPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven lock '))
  folders.push(folder)
  return join(folder, 'lock')
}

const options = { operations: fileOperations, patienceMs: 100 }

it('is held by one at a time, and busy for others', async () => {
  const path = await freshPath()
  const held = await takeFileLock(path, options)
  await expect(takeFileLock(path, options)).rejects.toMatchObject({ code: 'ERR_VAULT_BUSY' })
  await held.requireHeld()
  await held.release()
  await (await takeFileLock(path, options)).release()
  expect(await readdir(join(path, '..'))).toEqual([])
})

it('passes from a dead owner to exactly one of many who wait', async () => {
  const path = await freshPath()
  const dead = spawn(process.execPath, ['-e', ''])
  await once(dead, 'exit')
  for (let round = 0; round < 20; round += 1) {
    const held = await takeFileLock(path, options)
    const line: unknown = JSON.parse(new TextDecoder().decode(await fileOperations.read(path)))
    await held.release()
    const stale = { ...(line as object), nonce: round.toString(16).padStart(32, '0'), started: '1' }
    await writeFile(path, JSON.stringify({ ...stale, pid: dead.pid }))
    let inside = 0
    const work = Array.from({ length: 8 }, async () => {
      const lock = await takeFileLock(path, { operations: fileOperations, patienceMs: 300_000 })
      inside += 1
      expect(inside).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      await lock.requireHeld()
      inside -= 1
      await lock.release()
    })
    await Promise.all(work)
  }
  expect(await readdir(join(path, '..'))).toEqual([])
})

it('passes on from a claimant who died before he removed the dead lock', async () => {
  const path = await freshPath()
  const held = await takeFileLock(path, options)
  const line = JSON.parse(new TextDecoder().decode(await fileOperations.read(path))) as object
  await held.release()
  const dead = { ...line, started: '1' }
  await writeFile(path, JSON.stringify({ ...dead, nonce: 'aa'.repeat(16) }))
  await writeFile(`${path}.break.${'aa'.repeat(16)}`, JSON.stringify({ ...dead, nonce: 'bb'.repeat(16) }))
  await (await takeFileLock(path, options)).release()
  expect(await readdir(join(path, '..'))).toEqual([])
})

it('of another system, or unreadable after a power failure, is respected for a minute and then taken', async () => {
  const path = await freshPath()
  for (const text of [
    '',
    '{"nonce":"00000000000000000000000000000000","pid":1,"started":"1","system":"other"}',
  ]) {
    await writeFile(path, text)
    await expect(takeFileLock(path, options)).rejects.toMatchObject({ code: 'ERR_VAULT_BUSY' })
    const old = new Date(Date.now() - 61_000)
    await utimes(path, old, old)
    const held = await takeFileLock(path, options)
    await held.release()
  }
})

it('that somebody took away stops its owner before the commit', async () => {
  const path = await freshPath()
  const held = await takeFileLock(path, options)
  await fileOperations.remove(path)
  await expect(held.requireHeld()).rejects.toMatchObject({ code: 'ERR_VAULT_BUSY' })
})

it('clears away what killed processes left beside it', async () => {
  const path = await freshPath()
  const line = { nonce: 'cc'.repeat(16), pid: 1, started: 'no start', system: 'x' }
  const ticket = `${path}.${'cc'.repeat(16)}`
  await writeFile(ticket, JSON.stringify(line))
  const old = new Date(Date.now() - 61_000)
  await utimes(ticket, old, old)
  await writeFile(`${path}.break.${'dd'.repeat(16)}`, JSON.stringify(line))
  await (await takeFileLock(path, options)).release()
  expect(await readdir(join(path, '..'))).toEqual([])
})
