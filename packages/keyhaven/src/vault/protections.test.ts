import { afterEach, describe, expect, it, vi } from 'vitest'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { fileDeviceProtection, fileStorage } from './file.ts'
import { createVault, describeVault, memoryStorage, openVault, passwordProtection } from './index.ts'
import type { PasswordProtectionOptions, Protection } from './index.ts'
import { estimatePassword, ratePassword } from './password.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import { mapStorage } from './testing/map-storage.ts'
import type { Blobs } from './testing/map-storage.ts'
import './testing/no-network.ts'

const value = { type: 't', bytes: utf8('a secret') }
const folders: string[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'keyhaven protections '))
  folders.push(folder)
  return folder
}

/** As cheap as the bounds allow. */
function cheap(password: string, more: Partial<PasswordProtectionOptions> = {}): Protection {
  return passwordProtection({ password, memoryKib: 19_456, iterations: 2, ...more })
}

async function addressOfVault(
  blobs: Blobs,
): Promise<{ name: string; storage: ReturnType<typeof mapStorage> }> {
  const storage = mapStorage(blobs)
  const vault = await createVault({ name: 'v', storage, protections: [cheap('right')] })
  await vault.put('r', value)
  return { name: 'v', storage }
}

describe('a password protection', () => {
  it('starts locked, answers wrong-password, and opens with the right one', async () => {
    const storage = memoryStorage()
    await createVault({ name: 'v', storage, protections: [cheap('right')] })
    const vault = await openVault({ name: 'v', storage, protections: [cheap('right')] })
    expect(vault.state()).toBe('locked')
    expect(await vault.unlock(cheap('wrong'))).toEqual({ status: 'wrong-password' })
    expect(vault.state()).toBe('locked')
    expect(await vault.unlock(cheap('right'))).toEqual({ status: 'unlocked' })
  })

  it('takes a text in NFKC, so that composed and decomposed letters are one password', async () => {
    const storage = memoryStorage()
    await createVault({ name: 'v', storage, protections: [cheap('caf\u00e9 \u2460')] })
    const vault = await openVault({ name: 'v', storage })
    expect(await vault.unlock(cheap('cafe\u0301 1'))).toEqual({ status: 'unlocked' })
  })

  it('works with PBKDF2-SHA-256 at 600,000, by option', async () => {
    const storage = memoryStorage()
    const protection = passwordProtection({ password: 'p', kdf: 'pbkdf2-sha-256', iterations: 600_000 })
    await createVault({ name: 'v', storage, protections: [protection] })
    const vault = await openVault({ name: 'v', storage })
    expect(await vault.unlock(cheap('p'))).toEqual({ status: 'unlocked' })
    expect(await vault.unlock(cheap('q'))).toEqual({ status: 'wrong-password' })
    const factors = (await vault.protections()).map((protectionSummary) => protectionSummary.factors)
    expect(factors).toEqual([
      [{ type: 'password', stretching: { kdf: 'pbkdf2-sha-256', iterations: 600_000 } }],
    ])
  })

  it('uses at least 64 MiB and 3 passes unless told, and more where the machine is quick', async () => {
    const calls: number[] = []
    const argon2id: PasswordProtectionOptions['argon2id'] = ({ memoryKib, iterations, password, salt }) => {
      calls.push(memoryKib, iterations)
      return Promise.resolve(sha256(concat(password, salt)))
    }
    const storage = memoryStorage()
    // A target that any machine reaches only at the most passes, however busy it is.
    const quick = { password: 'p', targetMs: 600_000 }
    await createVault({ name: 'v', storage, protections: [passwordProtection({ ...quick, argon2id })] })
    expect(calls).toEqual([65_536, 3, 65_536, 64])
    const slow = { password: 'p', targetMs: 0 }
    await createVault({ name: 'w', storage, protections: [passwordProtection({ ...slow, argon2id })] })
    expect(calls.slice(4)).toEqual([65_536, 3, 65_536, 3])
  })

  it.each([
    { memoryKib: 19_455 },
    { iterations: 1 },
    { memoryKib: 524_289 },
    { iterations: 65 },
    { iterations: 2.5 },
    { kdf: 'pbkdf2-sha-256', iterations: 599_999 },
  ] as const)('refuses %o instead of making it fit', (parameters) => {
    expect(() => passwordProtection({ password: 'p', ...parameters })).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
    )
  })

  it.each(['', '\ud800', 'x'.repeat(1025)])('refuses a password that is none (case %#)', (password) => {
    expect(() => passwordProtection({ password })).toThrow(
      expect.objectContaining({ code: 'ERR_INPUT_INVALID' }),
    )
  })

  it('tells damaged, wrong password and tampered apart', async () => {
    const blobs: Blobs = new Map()
    const place = await addressOfVault(blobs)
    const head = blobs.get('head') ?? new Uint8Array()
    const reseal = (body: Uint8Array): Uint8Array => concat(body, sha256(body))
    const vault = await openVault(place)
    const flipped = head.slice()
    flipped[40] = (flipped[40] ?? 0) ^ 1
    blobs.set('head', flipped)
    await expect(vault.unlock(cheap('right'))).rejects.toMatchObject({
      code: 'ERR_VAULT_DAMAGED',
      details: { problem: 'checksum' },
    })
    // The wrapped key is the last 48 bytes before root nonce, root and checksum.
    const tampered = head.slice(0, -32)
    const at = tampered.length - 12 - 52 - 1
    tampered[at] = (tampered[at] ?? 0) ^ 1
    blobs.set('head', reseal(tampered))
    await expect(vault.unlock(cheap('right'))).rejects.toMatchObject({ code: 'ERR_VAULT_TAMPERED' })
    expect(await vault.unlock(cheap('wrong'))).toEqual({ status: 'wrong-password' })
  })

  it('refuses a hostile envelope that asks for too much or too little, before any work is done', async () => {
    const blobs: Blobs = new Map()
    const place = await addressOfVault(blobs)
    const head = blobs.get('head') ?? new Uint8Array()
    const at = 8 + 1 + 16 + 1 + 4 + 16 + 4 + 1 + 1 + 4 + 1
    const view = new DataView(head.buffer, head.byteOffset)
    expect(view.getUint32(at)).toBe(19_456)
    for (const memoryKib of [19_455, 524_289, 0xffffffff]) {
      view.setUint32(at, memoryKib)
      blobs.set('head', concat(head.slice(0, -32), sha256(head.slice(0, -32))))
      const vault = await openVault(place)
      await expect(vault.unlock(cheap('right'))).rejects.toMatchObject({ code: 'ERR_ENVELOPE_MALFORMED' })
    }
  })

  it('shows how good a password is, and refuses one only if the app asks', async () => {
    expect(ratePassword('short').weakness).toBe('short')
    expect(ratePassword('passpasspasspass').weakness).toBe('repeated')
    expect(ratePassword('aaaaaaabbbbbbb').weakness).toBe('repeated')
    expect(ratePassword('abcdefghijklm').weakness).toBe('sequence')
    expect(ratePassword('qwertyuiopas').weakness).toBe('sequence')
    expect(ratePassword('correct horse battery')).toEqual({ characters: 21, weakness: undefined })
    expect(await estimatePassword('correct horse battery')).toMatchObject({ weakness: undefined })
    // Long enough, and by the rules nothing is against it.
    expect(ratePassword('Password1234!').weakness).toBe(undefined)
    expect(await estimatePassword(utf8('Password1234!'))).toMatchObject({ weakness: 'guessable' })
    const storage = memoryStorage()
    for (const [password, reason] of [
      ['short', 'short'],
      ['Password1234!', 'guessable'],
    ] as const) {
      const protections = [cheap(password, { requireAdvised: true })]
      await expect(createVault({ name: 'v', storage, protections })).rejects.toMatchObject({
        code: 'ERR_PASSWORD_REFUSED',
        details: { reason },
      })
    }
    expect(await describeVault({ name: 'v', storage })).toEqual({ status: 'missing' })
  })
})

describe('protections', () => {
  it('come, change and go without a record being sealed again', async () => {
    const blobs: Blobs = new Map()
    const storage = mapStorage(blobs)
    const vault = await createVault({ name: 'v', storage, protections: [fixedProtection('one')] })
    await vault.put('r', value)
    const packs = (): string[] => [...blobs.keys()].filter((name) => name.startsWith('p-'))
    const before = packs()
    const [first] = await vault.protections()
    const second = await vault.addProtection({ ...fixedProtection('two'), label: 'second' })
    await vault.changeProtection(first?.id ?? '', fixedProtection('three'))
    expect(packs()).toEqual(before)
    const again = await openVault({ name: 'v', storage })
    expect(await again.unlock(fixedProtection('one'))).toEqual({ status: 'wrong-password' })
    for (const text of ['two', 'three']) {
      expect(await again.unlock(fixedProtection(text))).toEqual({ status: 'unlocked' })
      expect(await again.get('r')).toEqual(value)
    }
    await vault.removeProtection(second)
    expect(await again.unlock(fixedProtection('two'))).toEqual({ status: 'wrong-password' })
    expect((await again.protections()).length).toBe(1)
  })

  it('are never fewer than one', async () => {
    const storage = memoryStorage()
    const vault = await createVault({ name: 'v', storage, protections: [fixedProtection('one')] })
    const [only] = await vault.protections()
    await expect(vault.removeProtection(only?.id ?? '')).rejects.toMatchObject({
      code: 'ERR_PROTECTION_LAST',
    })
    await expect(vault.removeProtection('00'.repeat(16))).rejects.toMatchObject({
      code: 'ERR_PROTECTION_MISSING',
    })
    await expect(vault.changeProtection('x', fixedProtection('two'))).rejects.toMatchObject({
      code: 'ERR_PROTECTION_MISSING',
    })
    expect((await vault.protections()).map(({ id }) => id)).toEqual([only?.id])
  })

  it('are described while locked, with their parameters', async () => {
    const home = await freshFolder()
    const storage = fileStorage({ directory: join(home, 'vault') })
    const device = fileDeviceProtection({ keyFile: join(home, 'device.key') })
    const vault = await createVault({
      name: 'v',
      storage,
      protections: [device, cheap('p', { label: 'mine' })],
    })
    vault.lock()
    const description = await describeVault({ name: 'v', storage })
    expect(description).toMatchObject({
      status: 'present',
      id: vault.id,
      protections: [
        { label: '', factors: [{ type: 'device', provider: 'file' }] },
        {
          label: 'mine',
          factors: [
            {
              type: 'password',
              stretching: { kdf: 'argon2id', memoryKib: 19_456, iterations: 2, parallelism: 1 },
            },
          ],
        },
      ],
    })
  })

  it('of two factors need both', async () => {
    const home = await freshFolder()
    const storage = memoryStorage()
    const device = fileDeviceProtection({ keyFile: join(home, 'device.key') })
    const both: Protection = { factors: [...cheap('p').factors, ...device.factors] }
    await createVault({ name: 'v', storage, protections: [both] })
    const vault = await openVault({ name: 'v', storage, protections: [device] })
    expect(vault.state()).toBe('locked')
    expect(await vault.unlock(cheap('p'))).toEqual({ status: 'no-such-protection' })
    expect(await vault.unlock({ factors: [...device.factors, ...cheap('q').factors] })).toEqual({
      status: 'wrong-password',
    })
    expect(await vault.unlock({ factors: [...device.factors, ...cheap('p').factors] })).toEqual({
      status: 'unlocked',
    })
  })
})

describe('the device key in a file', () => {
  it('is private, and one that others may read is refused', async () => {
    const home = await freshFolder()
    const keyFile = join(home, 'device.key')
    const place = { name: 'v', storage: memoryStorage(), protections: [fileDeviceProtection({ keyFile })] }
    await createVault(place)
    await chmod(keyFile, 0o640)
    await expect(openVault(place)).rejects.toMatchObject({
      code: 'ERR_DEVICE_KEY_REFUSED',
      details: { problem: 'permissions' },
    })
    await chmod(keyFile, 0o600)
    expect((await openVault(place)).state()).toBe('unlocked')
    const bytes = await readFile(keyFile)
    bytes[30] = (bytes[30] ?? 0) ^ 1
    await writeFile(keyFile, bytes)
    await expect(openVault(place)).rejects.toMatchObject({
      code: 'ERR_DEVICE_KEY_REFUSED',
      details: { problem: 'damaged' },
    })
  })

  it('never lies inside the vaults folder', async () => {
    const home = await freshFolder()
    const storage = fileStorage({ directory: home })
    for (const keyFile of [join(home, 'device.key'), join(home, 'v', 'device.key')]) {
      await expect(
        createVault({ name: 'v', storage, protections: [fileDeviceProtection({ keyFile })] }),
      ).rejects.toMatchObject({ code: 'ERR_DEVICE_KEY_REFUSED', details: { problem: 'inside-the-vault' } })
    }
    expect(await describeVault({ name: 'v', storage })).toEqual({ status: 'missing' })
  })

  it('serves several vaults, and goes with the last of them', async () => {
    const home = await freshFolder()
    const keyFile = join(home, 'device.key')
    const storage = memoryStorage()
    const protections = [fileDeviceProtection({ keyFile })]
    const one = await createVault({ name: 'one', storage, protections })
    const two = await createVault({ name: 'two', storage, protections })
    await one.destroy()
    expect((await openVault({ name: 'two', storage, protections })).state()).toBe('unlocked')
    await two.destroy()
    expect(existsSync(keyFile)).toBe(false)
  })

  it('is deleted by forgetDevice, from the lock screen too, and the password still opens', async () => {
    const home = await freshFolder()
    const keyFile = join(home, 'device.key')
    const storage = memoryStorage()
    const protections = [fileDeviceProtection({ keyFile })]
    const vault = await createVault({ name: 'v', storage, protections })
    await expect(vault.forgetDevice()).rejects.toMatchObject({ code: 'ERR_PROTECTION_LAST' })
    await vault.addProtection(cheap('p'))
    vault.lock()
    await vault.forgetDevice()
    expect(vault.state()).toBe('locked')
    expect(existsSync(keyFile)).toBe(false)
    const again = await openVault({ name: 'v', storage, protections })
    expect(again.state()).toBe('locked')
    expect(await again.unlock(cheap('p'))).toEqual({ status: 'unlocked' })
    await expect(again.forgetDevice()).rejects.toMatchObject({ code: 'ERR_PROTECTION_MISSING' })
  })

  it('is missed by name when nothing else opens the vault', async () => {
    const home = await freshFolder()
    const keyFile = join(home, 'device.key')
    const place = { name: 'v', storage: memoryStorage(), protections: [fileDeviceProtection({ keyFile })] }
    const vault = await createVault(place)
    await vault.addProtection(cheap('p'))
    await rm(keyFile)
    expect((await openVault(place)).state()).toBe('locked')
    const [device, password] = await vault.protections()
    await vault.removeProtection(password?.id ?? '')
    await expect(openVault(place)).rejects.toMatchObject({ code: 'ERR_DEVICE_KEY_MISSING' })
    expect(device?.factors).toEqual([{ type: 'device', provider: 'file' }])
  })
})

describe('locking', () => {
  it('comes after the idle time, which each use begins anew', async () => {
    vi.useFakeTimers()
    const states: string[] = []
    const storage = memoryStorage()
    const vault = await createVault({
      name: 'v',
      storage,
      protections: [fixedProtection('one')],
      autoLock: { idleMs: 1000 },
    })
    vault.onStateChange((state) => states.push(state))
    for (let turn = 0; turn < 3; turn += 1) {
      vi.advanceTimersByTime(900)
      await vault.list()
    }
    vi.advanceTimersByTime(1001)
    expect(vault.state()).toBe('locked')
    expect(states).toEqual(['locked'])
  })

  it('comes before the first use after the machine slept through the idle time', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const vault = await createVault({
      name: 'v',
      storage: memoryStorage(),
      protections: [fixedProtection('one')],
      autoLock: { idleMs: 100_000 },
    })
    vi.setSystemTime(Date.now() + 100_001)
    await expect(vault.list()).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
    expect(vault.state()).toBe('locked')
  })

  it('ends what is under way, and nothing of it is written', async () => {
    const storage = memoryStorage()
    const vault = await createVault({ name: 'v', storage, protections: [fixedProtection('one')] })
    await vault.put('r', value)
    const put = vault.put('r', { type: 't', bytes: utf8('other') })
    const get = vault.get('r')
    vault.lock()
    await expect(put).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
    await expect(get).rejects.toMatchObject({ code: 'ERR_VAULT_LOCKED' })
    await vault.unlock(fixedProtection('one'))
    expect(await vault.get('r')).toEqual(value)
  })
})
