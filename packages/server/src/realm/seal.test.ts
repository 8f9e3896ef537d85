import { describe, expect, it } from 'vitest'
import { randomBytes } from 'keyhaven/crypto'
import type { Registration } from 'keyhaven/recovery/realm'
import { createRegistrationSeal } from './seal.ts'

const registration: Registration = {
  oprfPrivateKey: randomBytes(32),
  signedPublicKey: {
    publicKey: randomBytes(32),
    verifyingKey: randomBytes(32),
    signature: randomBytes(64),
  },
  unlockKeyCommitment: randomBytes(32),
  encryptionKeyShare: randomBytes(32),
  encryptedSecret: randomBytes(145),
  encryptedSecretCommitment: randomBytes(16),
}
const sealKey = randomBytes(32)
const realmId = randomBytes(16)
const owner = { recordId: randomBytes(32), version: randomBytes(16) }
const seal = createRegistrationSeal({ sealKey, realmId })

describe('a sealed registration', () => {
  it('opens as it was, for its record, version and realm', async () => {
    expect(await seal.open(owner, await seal.seal(owner, registration))).toEqual(registration)
  })

  it('is never sealed to the same bytes twice', async () => {
    expect(await seal.seal(owner, registration)).not.toEqual(await seal.seal(owner, registration))
  })

  it('does not open for another record, version, realm or key', async () => {
    const sealed = await seal.seal(owner, registration)
    const others = [
      () => seal.open({ ...owner, recordId: randomBytes(32) }, sealed),
      () => seal.open({ ...owner, version: randomBytes(16) }, sealed),
      () => createRegistrationSeal({ sealKey, realmId: randomBytes(16) }).open(owner, sealed),
      () => createRegistrationSeal({ sealKey: randomBytes(32), realmId }).open(owner, sealed),
    ]
    for (const open of others) await expect(open()).rejects.toMatchObject({ code: 'ERR_ENVELOPE_REJECTED' })
  })

  it('does not open with any byte changed, or cut short', async () => {
    const sealed = await seal.seal(owner, registration)
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte))
      await expect(seal.open(owner, changed)).rejects.toMatchObject({
        code: at === 0 ? 'ERR_ENVELOPE_MALFORMED' : 'ERR_ENVELOPE_REJECTED',
      })
    }
    for (const length of [0, 1, 20, sealed.length - 1]) {
      await expect(seal.open(owner, sealed.subarray(0, length))).rejects.toMatchObject({
        code: length === 0 ? 'ERR_ENVELOPE_MALFORMED' : 'ERR_ENVELOPE_REJECTED',
      })
    }
  })
})
