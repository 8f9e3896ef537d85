import { describe, expect, test } from 'vitest'
import { randomBytes } from '../../crypto/index.ts'
import { deriveXWingPublicKey } from '../../crypto/x-wing.ts'
import { parseRegisteredSecret, writeRegisteredSecret } from './registered-secret.ts'
import { SLOT_BYTES, openSlot, sealSlot } from './slot.ts'

const account = new Uint8Array(16).fill(1)
const seed = new Uint8Array(32).fill(2)
const publicKey = deriveXWingPublicKey(seed)
const root = new Uint8Array(32).fill(3)

describe('a slot', () => {
  test('gives the root key to the holder of the seed', async () => {
    const slot = await sealSlot({ account, generation: 7, root, publicKey })
    expect(slot.length).toBe(SLOT_BYTES)
    expect(await openSlot({ account, generation: 7, slot, seed })).toEqual(root)
  })

  test('does not open for another seed, account or generation, nor altered or cut', async () => {
    const slot = await sealSlot({ account, generation: 7, root, publicKey })
    const refused: unknown = expect.objectContaining({ code: 'ERR_LOG_DAMAGED' })
    await expect(openSlot({ account, generation: 7, slot, seed: randomBytes(32) })).rejects.toEqual(refused)
    await expect(openSlot({ account: seed.slice(16), generation: 7, slot, seed })).rejects.toEqual(refused)
    await expect(openSlot({ account, generation: 8, slot, seed })).rejects.toEqual(refused)
    await expect(openSlot({ account, generation: 7, slot: slot.slice(1), seed })).rejects.toEqual(refused)
    for (const place of [0, 600, 1119, 1120, 1152, 1167]) {
      const altered = slot.slice()
      altered[place] = (altered[place] ?? 0) ^ 1
      await expect(openSlot({ account, generation: 7, slot: altered, seed })).rejects.toEqual(refused)
    }
    const smallOrder = slot.slice().fill(0, 1088, 1120)
    await expect(openSlot({ account, generation: 7, slot: smallOrder, seed })).rejects.toEqual(refused)
  })
})

describe('what the realms hold', () => {
  const secret = { waySeed: seed, generation: 0x01020304, anchor: new Uint8Array(32).fill(9) }

  test('is 69 bytes and read as it was written', () => {
    expect(writeRegisteredSecret(secret).length).toBe(69)
    expect(parseRegisteredSecret(writeRegisteredSecret(secret))).toEqual(secret)
  })

  test('is refused in another length or form, and in a newer one says so', () => {
    const bytes = writeRegisteredSecret(secret)
    const damaged: unknown = expect.objectContaining({ code: 'ERR_REGISTRATION_DAMAGED' })
    expect(() => parseRegisteredSecret(bytes.slice(0, 68))).toThrow(damaged)
    expect(() => parseRegisteredSecret(new Uint8Array())).toThrow(damaged)
    expect(() => parseRegisteredSecret(new Uint8Array(69))).toThrow(damaged)
    expect(() => parseRegisteredSecret(writeRegisteredSecret({ ...secret, generation: 0 }))).toThrow(damaged)
    bytes[0] = 2
    expect(() => parseRegisteredSecret(bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENT_TOO_OLD' }),
    )
  })
})
