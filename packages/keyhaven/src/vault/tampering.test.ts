import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '../crypto/bytes.ts'
import { sha256 } from '../crypto/hkdf.ts'
import { toBase64, toHex } from '../crypto/text.ts'
import { KeyhavenError, isKeyhavenError } from '../errors.ts'
import { parseHead } from './head.ts'
import { createVault, describeVault, openVault, passwordProtection } from './index.ts'
import type { Protection, Vault } from './index.ts'
import { parseSlot } from './slot.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import { mapStorage } from './testing/map-storage.ts'
import type { Blobs } from './testing/map-storage.ts'
import './testing/no-network.ts'

const name = 'v'
const secret = utf8('CANARY-9f3b1c77-secret-of-anna')

/** A vault with two records and two protections, in a map. */
async function vaultInMap(): Promise<{ blobs: Blobs; vault: Vault }> {
  const blobs: Blobs = new Map()
  const protections = [fixedProtection('one'), { ...fixedProtection('two'), label: 'second' }]
  const vault = await createVault({ name, storage: mapStorage(blobs), protections })
  await vault.put('nostr', { type: 'nsec', bytes: secret })
  await vault.put('other', { type: 't', bytes: utf8('other') })
  return { blobs, vault }
}

/** Opens the vault and reads all of it; the code of what stops that, or the unlock's status. */
async function codeOfReading(blobs: Blobs): Promise<string> {
  try {
    const vault = await openVault({ name, storage: mapStorage(blobs) })
    const { status } = await vault.unlock(fixedProtection('one'))
    if (status !== 'unlocked') return status
    for (const record of await vault.list()) await vault.get(record.name)
    return 'read'
  } catch (error) {
    if (isKeyhavenError(error)) return error.code
    throw error
  }
}

function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield flipped
  }
}

function resealed(body: Uint8Array): Uint8Array {
  return concat(body, sha256(body))
}

describe('every flipped bit of every stored byte', () => {
  it('is refused as damage, in the head by its checksum and in every other blob by its tag', async () => {
    const { blobs } = await vaultInMap()
    expect(await codeOfReading(blobs)).toBe('read')
    for (const [blob, bytes] of [...blobs]) {
      for (const flipped of flips(bytes)) {
        blobs.set(blob, flipped)
        expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
      }
      blobs.set(blob, bytes)
    }
  })

  it('of the head is refused also when the checksum is made to fit', async () => {
    const { blobs } = await vaultInMap()
    const body = (blobs.get('head') ?? new Uint8Array()).slice(0, -32)
    const codes = new Set<string>()
    for (const flipped of flips(body)) {
      blobs.set('head', resealed(flipped))
      codes.add(await codeOfReading(blobs))
    }
    // A flip in the clear part changes what the password is stretched with or bound to: then it is another password.
    expect([...codes].toSorted()).toEqual(['ERR_ENVELOPE_MALFORMED', 'ERR_VAULT_TAMPERED', 'wrong-password'])
  })

  it('is refused when a byte is missing or added at any end', async () => {
    const { blobs } = await vaultInMap()
    for (const [blob, bytes] of [...blobs]) {
      const changed = [bytes.slice(1), bytes.slice(0, -1), concat(Uint8Array.of(0), bytes), new Uint8Array(0)]
      for (const other of changed) {
        blobs.set(blob, other)
        expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
      }
      blobs.delete(blob)
      expect(await codeOfReading(blobs)).toBe(blob === 'head' ? 'ERR_VAULT_MISSING' : 'ERR_VAULT_DAMAGED')
      blobs.set(blob, bytes)
    }
  })
})

describe('records', () => {
  it('cannot be swapped, nor an older one brought back', async () => {
    const { blobs, vault } = await vaultInMap()
    const packs = [...blobs].filter(([blob]) => blob.startsWith('p-'))
    const [[one, oneBytes], [two, twoBytes]] = packs as [[string, Uint8Array], [string, Uint8Array]]
    blobs.set(one, twoBytes).set(two, oneBytes)
    expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
    blobs.set(one, oneBytes).set(two, twoBytes)
    await vault.put('nostr', { type: 'nsec', bytes: new Uint8Array(secret.length) })
    const [newest] = [...blobs.keys()].filter((blob) => blob.startsWith('p-') && blob !== one && blob !== two)
    blobs.set(newest ?? '', oneBytes)
    expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
  })

  it('cannot be rolled back by an older head or an older manifest; a session notices even the whole vault', async () => {
    const { blobs, vault } = await vaultInMap()
    const before = new Map(blobs)
    await vault.put('nostr', { type: 'nsec', bytes: utf8('newer') })
    const after = new Map(blobs)
    blobs.set('head', before.get('head') ?? new Uint8Array())
    expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
    for (const [blob, bytes] of before) blobs.set(blob, bytes)
    await expect(vault.list()).rejects.toMatchObject({ details: { problem: 'rolled-back' } })
    // The limit: who opens the vault afresh cannot know that there was a newer one.
    expect(await codeOfReading(blobs)).toBe('read')
    for (const [blob, bytes] of after) blobs.set(blob, bytes)
    expect((await vault.get('nostr'))?.bytes).toEqual(utf8('newer'))
  })

  it('of another vault do not open, although its password is the same', async () => {
    const { blobs } = await vaultInMap()
    const { blobs: others } = await vaultInMap()
    const packsOf = (map: Blobs): string[] => [...map.keys()].filter((blob) => blob.startsWith('p-'))
    for (const [index, pack] of packsOf(blobs).entries()) {
      blobs.set(pack, others.get(packsOf(others)[index] ?? '') ?? new Uint8Array())
    }
    expect(await codeOfReading(blobs)).toBe('ERR_VAULT_DAMAGED')
  })
})

it('no nonce, no salt and no commitment comes twice, for one password and one record', async () => {
  const blobs: Blobs = new Map()
  const storage = mapStorage(blobs)
  const password = (): Protection => passwordProtection({ password: 'p', memoryKib: 19_456, iterations: 2 })
  const vault = await createVault({ name, storage, protections: [password(), password()] })
  const found: string[] = []
  for (let round = 0; round < 40; round += 1) {
    await vault.put('same', { type: 't', bytes: secret })
    const head = await parseHead(blobs.get('head') ?? new Uint8Array())
    const packs = [...blobs].filter(([blob]) => blob.startsWith('p-')).map(([, bytes]) => toHex(bytes))
    found.push(toHex(head.rootNonce), ...packs)
    if (round > 0) continue
    const salts = head.slots.flatMap(({ factors }) => factors.map(({ parameters }) => toHex(parameters)))
    found.push(...salts, ...head.slots.flatMap((slot) => [toHex(slot.nonce), toHex(slot.commitment)]))
  }
  expect(found.length).toBe(2 * 40 + 6)
  expect(new Set(found).size).toBe(found.length)
})

describe('fuzzed heads', () => {
  const runs = process.env['KEYHAVEN_SOAK'] === '1' ? 100_000 : 2000

  it(`never crash the reader (${String(runs)} of them): coded refusals, in bounded memory`, async () => {
    const { blobs } = await vaultInMap()
    const head = blobs.get('head') ?? new Uint8Array()
    const storage = mapStorage(blobs)
    const before = process.memoryUsage().rss
    const edit = fc.record({
      at: fc.nat(head.length - 33),
      remove: fc.nat(8),
      insert: fc.uint8Array({ maxLength: 8 }),
    })
    const mutant = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc
        .array(edit, { minLength: 1, maxLength: 4 })
        .map((edits) =>
          edits.reduce(
            (bytes, { at, remove, insert }) => concat(bytes.slice(0, at), insert, bytes.slice(at + remove)),
            head.slice(0, -32),
          ),
        ),
    )
    await fc.assert(
      fc.asyncProperty(mutant, async (body) => {
        if (toHex(body) === toHex(head.slice(0, -32))) return
        blobs.set('head', resealed(body))
        try {
          await describeVault({ name, storage })
          const outcome = await (await openVault({ name, storage })).unlock(fixedProtection('one'))
          expect(outcome.status).not.toBe('unlocked')
        } catch (error) {
          if (!(error instanceof KeyhavenError)) throw error
        }
      }),
      { numRuns: runs },
    )
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('and fuzzed slots only throw coded errors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        for (const parse of [parseHead, parseSlot]) {
          try {
            await parse(bytes)
          } catch (error) {
            if (!(error instanceof KeyhavenError)) throw error
          }
        }
      }),
      { numRuns: runs },
    )
  })
})

describe('no object or error of a vault shows a secret', () => {
  const password = 'CANARY-password-5d41402abc4b'
  const canaries = [secret, utf8(password)]
  const forms = canaries.flatMap((bytes) => [
    new TextDecoder().decode(bytes),
    toHex(bytes),
    toBase64(bytes).slice(0, 24),
    [...bytes].join(','),
    [...bytes].join(', '),
  ])

  function expectClean(shown: unknown): void {
    const texts = [
      inspect(shown, { depth: 20, showHidden: true, getters: true, maxArrayLength: null }),
      String(shown),
      JSON.stringify(shown, (_key, value: unknown) => (value instanceof Uint8Array ? [...value] : value)),
    ]
    if (shown instanceof Error) texts.push(shown.message, shown.stack ?? '', inspect(shown.cause))
    for (const text of texts) for (const form of forms) expect(text).not.toContain(form)
  }

  it('in inspect, text, JSON, or structured clone, on every path that fails', async () => {
    const blobs: Blobs = new Map()
    const storage = mapStorage(blobs)
    const protection = passwordProtection({ password, memoryKib: 19_456, iterations: 2 })
    const shown: unknown[] = [protection]
    const vault = await createVault({ name, storage, protections: [protection] })
    await vault.put('nostr', { type: 'nsec', bytes: secret })
    shown.push(
      vault,
      storage,
      await vault.list(),
      await vault.protections(),
      await describeVault({ name, storage }),
    )
    const wrong = passwordProtection({ password: `${password}!`, memoryKib: 19_456, iterations: 2 })
    shown.push(await vault.unlock(wrong), wrong)
    const attempts: (() => Promise<unknown>)[] = [
      () => createVault({ name, storage, protections: [protection] }),
      () => vault.put('', { type: 'nsec', bytes: secret }),
      () => vault.put('nostr', { type: '', bytes: secret }),
      () => vault.addProtection({ ...protection, label: 'x'.repeat(100) }),
      () => vault.addProtection(passwordProtection({ password: password.repeat(100) })),
      () => vault.removeProtection('none'),
    ]
    for (const blob of [...blobs.keys()]) {
      attempts.push(async () => {
        const kept = blobs.get(blob) ?? new Uint8Array()
        blobs.set(blob, concat(kept.slice(0, -1), Uint8Array.of((kept.at(-1) ?? 0) ^ 1)))
        try {
          const opened = await openVault({ name, storage })
          await opened.unlock(protection)
          return await opened.get('nostr')
        } finally {
          blobs.set(blob, kept)
        }
      })
    }
    for (const attempt of attempts) {
      const error: unknown = await Promise.resolve()
        .then(attempt)
        .then(
          () => undefined,
          (reason: unknown) => reason,
        )
      expect(error).toBeInstanceOf(KeyhavenError)
      shown.push(error)
    }
    for (const object of shown) expectClean(object)
    // Objects of functions cannot be cloned at all; errors can.
    for (const object of shown) {
      try {
        expectClean(structuredClone(object))
      } catch (error) {
        expect((error as Error).name).toBe('DataCloneError')
      }
    }
    // The search itself finds what it looks for.
    expect(() => {
      expectClean({ bytes: secret })
    }).toThrow()
  })
})
