import { expect, it } from 'vitest'
import { randomBytes } from '../crypto/bytes.ts'
import { encapsulate } from '../crypto/x-wing.ts'
import { verifyEd25519 } from '../crypto/ed25519.ts'
import { verifyMlDsa65 } from '../crypto/ml-dsa.ts'
import { verifySchnorr } from '../crypto/schnorr.ts'
import { KeyhavenError } from '../errors.ts'
import { KEY_TYPES, createVault, memoryStorage } from './index.ts'
import type { Vault } from './index.ts'
import { fixedProtection } from './testing/fixed-protection.ts'
import './testing/no-network.ts'

async function vaultWithKeys(): Promise<Vault> {
  const vault = await createVault({
    name: 'v',
    storage: memoryStorage(),
    protections: [fixedProtection('one')],
  })
  const records = Object.entries(KEY_TYPES).map(
    ([name, type]) => [name, { type, bytes: randomBytes(32) }] as const,
  )
  await vault.write(new Map(records))
  return vault
}

it('signs, opens and decapsulates with keys that stay inside', async () => {
  const vault = await vaultWithKeys()
  const message = randomBytes(32)
  const schnorr = await vault.use('nostr', 'schnorr-public-key', undefined)
  const signature = await vault.use('nostr', 'schnorr-sign', { message })
  expect(verifySchnorr({ publicKey: schnorr, message, signature })).toBe(true)
  const ed25519 = await vault.use('ed25519', 'ed25519-public-key', undefined)
  const edSignature = await vault.use('ed25519', 'ed25519-sign', { message })
  expect(verifyEd25519({ publicKey: ed25519, message, signature: edSignature })).toBe(true)
  const mlDsa = await vault.use('mlDsa65', 'ml-dsa-65-public-key', undefined)
  const mlDsaSignature = await vault.use('mlDsa65', 'ml-dsa-65-sign', { message })
  expect(verifyMlDsa65({ publicKey: mlDsa, message, signature: mlDsaSignature })).toBe(true)
  const { ciphertext, sharedSecret } = encapsulate(await vault.use('xWing', 'x-wing-public-key', undefined))
  expect(await vault.use('xWing', 'x-wing-decapsulate', { ciphertext })).toEqual(sharedSecret)
  const payload = await vault.use('nostr', 'nip44-seal', { publicKey: schnorr, text: 'hello' })
  expect(await vault.use('nostr', 'nip44-open', { publicKey: schnorr, payload })).toBe('hello')
})

it('refuses a record that is not there, and a key for another purpose than its own', async () => {
  const vault = await vaultWithKeys()
  const message = randomBytes(32)
  await expect(vault.use('none', 'ed25519-sign', { message })).rejects.toMatchObject({
    code: 'ERR_RECORD_MISSING',
  })
  await expect(vault.use('nostr', 'ed25519-sign', { message })).rejects.toMatchObject({
    code: 'ERR_INPUT_INVALID',
  })
  await vault.put('short', { type: KEY_TYPES.ed25519, bytes: randomBytes(31) })
  await expect(vault.use('short', 'ed25519-sign', { message })).rejects.toMatchObject({
    code: 'ERR_INPUT_INVALID',
  })
  vault.lock()
  await expect(vault.use('ed25519', 'ed25519-sign', { message })).rejects.toMatchObject({
    code: 'ERR_VAULT_LOCKED',
  })
})

it('answers an operation or an input that is none with a code, as a message from a page may hold anything', async () => {
  const vault = await vaultWithKeys()
  const use = (record: string, operation: string, input: unknown): Promise<unknown> =>
    vault.use(record, operation as 'schnorr-sign', input as { message: Uint8Array })
  for (const operation of ['none', '__proto__', 'constructor', 'toString', '']) {
    await expect(use('nostr', operation, undefined)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: { field: 'operation' },
    })
  }
  const records = {
    schnorr: 'nostr',
    nip44: 'nostr',
    'x-wing': 'xWing',
    ed25519: 'ed25519',
    'ml-dsa': 'mlDsa65',
  }
  const names = [
    'schnorr-sign',
    'nip44-seal',
    'nip44-open',
    'x-wing-decapsulate',
    'ed25519-sign',
    'ml-dsa-65-sign',
  ]
  const inputs = [
    undefined,
    null,
    'text',
    {},
    { message: 'text', publicKey: [], text: 1, payload: 1, ciphertext: {} },
  ]
  const odd = new Uint8Array(5)
  for (const name of names) {
    const [, record = ''] = Object.entries(records).find(([prefix]) => name.startsWith(prefix)) ?? []
    for (const input of inputs) {
      await expect(use(record, name, input)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' })
    }
    if (name === 'ed25519-sign' || name === 'ml-dsa-65-sign') continue
    const wrong = { message: odd, publicKey: odd, text: 'x', payload: '!', ciphertext: odd }
    await expect(use(record, name, wrong)).rejects.toBeInstanceOf(KeyhavenError)
  }
})
