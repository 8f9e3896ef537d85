import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { deriveEd25519PublicKey, parseHex, toHex, verifyEd25519 } from '../../crypto/index.ts'
import { requireSignedPointer, signPointerStatement } from './authority.ts'
import { proveAnnouncement, proveSegment, proveSlot } from './upload-proofs.ts'

interface Signed {
  /** The signed bytes, as docs/protocol.md writes them. */
  readonly message: string
  readonly signature: string
}

interface Vectors {
  readonly account: string
  readonly device: string
  readonly authoritySeed: string
  readonly authority: string
  readonly segment: Signed & { readonly id: string }
  readonly slot: Signed & { readonly wayId: string; readonly generation: number; readonly slot: string }
  readonly announcement: readonly (Signed & {
    readonly registration: string
    readonly generation: number
    readonly expectedEtag: string | null
    readonly realms: readonly string[]
  })[]
  readonly pointerStatement: Signed & {
    readonly registration: string
    readonly generation: number
    readonly serial: number
    readonly anchor: string
    readonly realms: readonly string[]
  }
}

const file = new URL('../../../../../vectors/authority-proofs-1.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const hex = (text: string): Uint8Array => parseHex(text, 'vector')
const account = hex(vectors.account)
const seed = hex(vectors.authoritySeed)
const signer = { account, seed }

describe('what the authority key signs, frozen', () => {
  test('the key is the one of its seed, and signed each message as it is written', () => {
    expect(toHex(deriveEd25519PublicKey(seed))).toBe(vectors.authority)
    const publicKey = hex(vectors.authority)
    const all = [vectors.segment, vectors.slot, ...vectors.announcement, vectors.pointerStatement]
    for (const { message, signature } of all) {
      const signed = { publicKey, message: hex(message), signature: hex(signature) }
      expect(verifyEd25519(signed)).toBe(true)
    }
  })

  test('the proof of a segment', () => {
    expect(proveSegment(signer, hex(vectors.segment.id))).toBe(vectors.segment.signature)
  })

  test('the proof of a slot', () => {
    const { wayId, generation, slot, signature } = vectors.slot
    expect(proveSlot(signer, { wayId, generation, slot: hex(slot) })).toBe(signature)
  })

  test.each(vectors.announcement)('the proof of an announcement after $expectedEtag', (vector) => {
    const { registration, generation, expectedEtag, realms, signature } = vector
    const change = { device: hex(vectors.device), registration, generation, expectedEtag, realms }
    expect(proveAnnouncement(signer, change)).toBe(signature)
  })

  test('the statement of the pointer, which is taken, and is not for another serial', () => {
    const { signature: statement, message: _, ...pointer } = vectors.pointerStatement
    expect(signPointerStatement(pointer, account, seed)).toBe(statement)
    const served = { ...pointer, statement, registrationAuthority: vectors.authority, etag: '"9"' }
    const known = { account, authoritySeed: seed }
    expect(() => {
      requireSignedPointer(served, known)
    }).not.toThrow()
    expect(() => {
      requireSignedPointer({ ...served, serial: 8 }, known)
    }).toThrow(expect.objectContaining({ code: 'ERR_POINTER_REJECTED' }))
  })
})
