import { execFileSync } from 'node:child_process'
import { mkdtemp, open, readdir, rename, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fileDeviceProtection, fileStorage } from '../file.ts'
import { createVault, describeVault, destroyVault, openVault } from '../index.ts'
import type { OpenVaultOptions } from '../index.ts'
import '../testing/no-network.ts'

const GIBIBYTE = 1024 ** 3
let directory = ''
let options: OpenVaultOptions = { name: 'v' }
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyhaven hostile '))
  const storage = fileStorage({ directory: join(directory, 'vaults') })
  const protections = [fileDeviceProtection({ keyFile: join(directory, 'device.key') })]
  options = { name: 'v', storage, protections }
  const vault = await createVault(options)
  await vault.put('r', { type: 't', bytes: new Uint8Array(100) })
})
afterEach(() => rm(directory, { recursive: true }))

async function blobPath(prefix: string): Promise<string> {
  const folder = join(directory, 'vaults', 'v')
  const found = (await readdir(folder)).find((name) => name.startsWith(prefix))
  return join(folder, found ?? 'none')
}

/** The most memory in use beyond what was in use before. */
async function memoryOf(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers
  await work()
  return process.memoryUsage().arrayBuffers - before
}

it.each(['head', 'm-'])('a %s of a gibibyte is refused before it is read', async (prefix) => {
  await truncate(await blobPath(prefix), GIBIBYTE)
  const used = await memoryOf(() =>
    expect(openVault(options)).rejects.toMatchObject({
      code: 'ERR_VAULT_DAMAGED',
      details: { problem: 'length' },
    }),
  )
  expect(used).toBeLessThan(64 * 1024 * 1024)
  await destroyVault(options)
  expect(await describeVault(options)).toEqual({ status: 'missing' })
})

it('a pack of a gibibyte costs no more than the record that is asked for', async () => {
  const path = await blobPath('p-')
  await truncate(path, GIBIBYTE)
  const vault = await openVault(options)
  expect((await vault.get('r'))?.bytes).toEqual(new Uint8Array(100))
  await truncate(path, 10)
  await expect(vault.get('r')).rejects.toMatchObject({ details: { problem: 'missing' } })
})

it('a device key of a gibibyte is refused before it is read, and the vault is not lost by it', async () => {
  const path = join(directory, 'device.key')
  await rename(path, `${path}.away`)
  await (await open(path, 'w', 0o600)).close()
  await truncate(path, GIBIBYTE)
  await expect(openVault(options)).rejects.toMatchObject({
    code: 'ERR_DEVICE_KEY_REFUSED',
    details: { problem: 'damaged' },
  })
  await rename(`${path}.away`, path)
  expect((await openVault(options)).state()).toBe('unlocked')
})

it('a pipe in the place of a head or of the device key is refused, and nobody waits for its writer', async () => {
  for (const path of [await blobPath('head'), join(directory, 'device.key')]) {
    await rename(path, `${path}.away`)
    execFileSync('mkfifo', ['-m', '600', path])
    await expect(openVault(options)).rejects.toMatchObject({
      code: path.endsWith('head') ? 'ERR_VAULT_DAMAGED' : 'ERR_DEVICE_KEY_REFUSED',
    })
    await rename(`${path}.away`, path)
  }
})
