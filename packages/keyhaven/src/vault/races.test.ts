import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { randomBytes, toHex, utf8 } from '../crypto/bytes.ts'
import { exportNostrKey, importNostrKey } from '../nostr/index.ts'
import { combineProtections, createVault, destroyVault, memoryStorage, openVault } from './index.ts'
import type { Protection, Vault, VaultStorage } from './index.ts'
import { HEAD } from './storage.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import { mapStorage } from './testing/map-storage.ts'
import type { Blobs } from './testing/map-storage.ts'
import './testing/no-network.ts'

const record = (text: string): { type: string; bytes: Uint8Array } => ({ type: 't', bytes: utf8(text) })

async function openings(storage: VaultStorage, count: number): Promise<readonly Vault[]> {
  await createVault({ name: 'v', storage, protections: [fixedProtection('one')] })
  const vaults = await Promise.all(Array.from({ length: count }, () => openVault({ name: 'v', storage })))
  for (const vault of vaults) await vault.unlock(fixedProtection('one'))
  return vaults
}

describe('several who write one name at once', () => {
  it('with ifMissing: one of them does, the others are told', async () => {
    const vaults = await openings(memoryStorage(), 5)
    const outcomes = await Promise.allSettled(
      vaults.map((vault, index) => vault.put('r', record(String(index)), { ifMissing: true })),
    )
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBe(4)
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'ERR_RECORD_EXISTS' } })
    expect((await vaults[0]?.list())?.map(({ version }) => version)).toEqual([1])
  })

  it('never lose a Nostr key that another of them was told is kept', async () => {
    const vaults = await openings(memoryStorage(), 4)
    const keys = vaults.map(() => toHex(randomBytes(32)))
    const outcomes = await Promise.allSettled(
      vaults.map((vault, index) => importNostrKey({ vault, key: { as: 'hex', text: keys[index] ?? '' } })),
    )
    const kept = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [keys[index]] : []))
    expect(kept.length).toBe(1)
    for (const vault of vaults) expect(await exportNostrKey({ vault, as: 'hex' })).toBe(kept[0])
    for (const { status, ...outcome } of outcomes) {
      if (status === 'rejected') expect(outcome).toMatchObject({ reason: { code: 'ERR_IDENTITY_CONFLICT' } })
    }
  })
})

it('a head that is read slowly, while this session writes, is not taken for one that was rolled back', async () => {
  const blobs: Blobs = new Map()
  const quick = mapStorage(blobs)
  let slow: Promise<void> | undefined
  const storage: VaultStorage = {
    ...quick,
    read: async (vault, blob, range) => {
      const bytes = await quick.read(vault, blob, range)
      if (blob === HEAD) await slow
      return bytes
    },
  }
  const [vault] = await openings(storage, 1)
  await vault?.put('a', record('one'))
  let release = (): void => undefined
  slow = new Promise((resolve) => {
    release = resolve
  })
  const listing = vault?.list()
  slow = undefined
  await vault?.put('a', record('two'))
  release()
  expect((await listing)?.length).toBe(1)
})

it('leavings of a commit that failed are swept by the next one of the same session', async () => {
  const blobs: Blobs = new Map()
  const sound = mapStorage(blobs)
  let full = false
  const storage: VaultStorage = {
    ...sound,
    exclusive: (vault, work) =>
      sound.exclusive(vault, (writer) =>
        work({
          ...writer,
          commit: (change) => {
            if (!full) return writer.commit(change)
            for (const [name, bytes] of change.blobs) blobs.set(name, bytes)
            return Promise.reject(new Error('full'))
          },
        }),
      ),
  }
  const [vault] = await openings(storage, 1)
  await vault?.put('a', record('one'))
  const before = blobs.size
  full = true
  await expect(vault?.put('a', record('two'))).rejects.toThrow('full')
  expect(blobs.size).toBeGreaterThan(before)
  full = false
  await vault?.put('a', record('three'))
  expect(blobs.size).toBe(before)
})

describe('what a protection keeps outside the vault', () => {
  function keeper(kept: Set<string>): Protection {
    const parameters = Uint8Array.of(1)
    return {
      factors: [
        {
          type: 'device',
          prompts: false,
          matches: () => true,
          enroll: ({ slotId }) => {
            kept.add(toHex(slotId))
            return Promise.resolve({ parameters, secret: new Uint8Array(32).fill(7) })
          },
          open: () => Promise.resolve({ status: 'opened', secret: new Uint8Array(32).fill(7) }),
          forget: ({ slotId }) => {
            kept.delete(toHex(slotId))
            return Promise.resolve()
          },
        },
      ],
    }
  }

  function refusing(): Protection {
    const [factor] = fixedProtection('one').factors
    if (factor === undefined) throw new Error('no factor')
    return { factors: [{ ...factor, enroll: () => Promise.reject(new Error('declined')) }] }
  }

  it('is forgotten when another factor of it, or another protection, cannot be set up', async () => {
    const kept = new Set<string>()
    const storage = memoryStorage()
    const both = combineProtections([keeper(kept), refusing()])
    for (const protections of [[both], [keeper(kept), refusing()]]) {
      await expect(createVault({ name: 'v', storage, protections })).rejects.toThrow('declined')
      expect(kept.size).toBe(0)
    }
  })

  it('is forgotten with the vault, also when it was one factor of several', async () => {
    const kept = new Set<string>()
    const storage = memoryStorage()
    const both = combineProtections([keeper(kept), fixedProtection('one')])
    await createVault({ name: 'v', storage, protections: [keeper(kept), both] })
    expect(kept.size).toBe(2)
    await destroyVault({ name: 'v', storage, protections: [keeper(kept)] })
    expect(kept.size).toBe(0)
  })
})

it('a locked vault keeps no hold of the password that it was made with', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const storage = memoryStorage()
  const make = async (): Promise<{ vault: Vault; reference: WeakRef<Protection> }> => {
    const protection = fixedProtection('one')
    const vault = await createVault({ name: 'v', storage, protections: [protection] })
    vault.lock()
    return { vault, reference: new WeakRef(protection) }
  }
  const { vault, reference } = await make()
  await vi.waitFor(() => {
    collectGarbage()
    // Compared first: an error that shows the protection would hold it.
    expect(reference.deref() === undefined).toBe(true)
  })
  expect(vault.state()).toBe('locked')
})

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
  'an idle time of %d ms, which a timer would take for none, is refused',
  async (idleMs) => {
    const options = { name: 'v', storage: memoryStorage(), protections: [fixedProtection('one')] }
    await expect(createVault({ ...options, autoLock: { idleMs } })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    })
  },
)

it('a page that came over plain http is told so', async () => {
  vi.stubGlobal('isSecureContext', false)
  try {
    const options = { name: 'v', storage: memoryStorage(), protections: [fixedProtection('one')] }
    for (const work of [createVault, openVault]) {
      await expect(work(options)).rejects.toMatchObject({ code: 'ERR_INSECURE_TRANSPORT' })
    }
  } finally {
    vi.unstubAllGlobals()
  }
})
