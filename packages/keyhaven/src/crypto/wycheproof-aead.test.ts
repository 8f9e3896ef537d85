import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { importAeadKey, openAead, openByWebCrypto, sealAead, sealByWebCrypto } from './aead.ts'
import type { AeadInput } from './aead.ts'
import { concat, randomBytes } from './bytes.ts'
import { parseHex } from './text.ts'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}
const file = new URL('../../../../vectors/wycheproof-aes-256-gcm.json', import.meta.url)
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly Vector[] }
const hex = (text: string): Uint8Array => parseHex(text, 'vector')

async function inputs(vector: Vector): Promise<readonly AeadInput[]> {
  const key = hex(vector.key)
  const rest = { nonce: hex(vector.iv), associatedData: hex(vector.aad) }
  return [
    { key, ...rest },
    { key: await importAeadKey(key), ...rest },
  ]
}

describe('AES-256-GCM of Wycheproof', () => {
  it.each(vectors)('case $tcId is $result: $comment', async (vector) => {
    const sealed = concat(hex(vector.ct), hex(vector.tag))
    for (const input of await inputs(vector)) {
      if (vector.result === 'valid') {
        expect(await sealAead(input, hex(vector.msg))).toEqual(sealed)
        expect(await sealByWebCrypto(input, hex(vector.msg))).toEqual(sealed)
        expect(await openAead(input, sealed)).toEqual(hex(vector.msg))
        expect(await openByWebCrypto(input, sealed)).toEqual(hex(vector.msg))
      } else {
        await expect(openAead(input, sealed)).rejects.toMatchObject({ code: 'ERR_ENVELOPE_REJECTED' })
        expect(await openByWebCrypto(input, sealed)).toBeUndefined()
      }
    }
  })

  it('is the same over the length at which the way changes', async () => {
    const input = { key: randomBytes(32), nonce: randomBytes(12), associatedData: randomBytes(5) }
    for (const length of [65_519, 65_520, 65_521, 65_535, 65_536, 65_537, 200_000]) {
      const plaintext = randomBytes(length)
      const sealed = await sealAead(input, plaintext)
      expect(sealed).toEqual(await sealByWebCrypto(input, plaintext))
      expect(await openAead(input, sealed)).toEqual(plaintext)
    }
  })

  it('refuses keys and nonces of another length, and ciphertexts shorter than a tag', async () => {
    const input = { key: randomBytes(32), nonce: randomBytes(12), associatedData: randomBytes(0) }
    const invalid = { code: 'ERR_INPUT_INVALID' }
    await expect(sealAead({ ...input, key: randomBytes(16) }, randomBytes(1))).rejects.toMatchObject(invalid)
    await expect(openAead({ ...input, nonce: randomBytes(16) }, randomBytes(32))).rejects.toMatchObject(
      invalid,
    )
    for (const length of [0, 15]) {
      await expect(openAead(input, randomBytes(length))).rejects.toMatchObject({
        code: 'ERR_ENVELOPE_REJECTED',
      })
    }
  })
})
