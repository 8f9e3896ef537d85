import { describe, expect, it } from 'vitest'
import { deriveEd25519PublicKey } from '../crypto/ed25519.ts'
import { toHex } from '../crypto/text.ts'
import type { ProofSubject } from './authority-proof.ts'
import { PROOF_LEEWAY_SECONDS, parseProof, signProof, verifyProof, writeProof } from './authority-proof.ts'
import { bytes, readVectors } from './testing/vectors.ts'

interface Case {
  readonly seed: string
  readonly authority: string
  readonly realmId: string
  readonly tenant: string
  readonly subject: string
  readonly storedVersion: string
  readonly body: string
  readonly seconds: number
  readonly signed: string
  readonly header: string
}
const { cases } = readVectors('realm-proof-1.json') as { readonly cases: readonly Case[] }

function aboutOf(vector: Case): ProofSubject {
  return {
    realmId: bytes(vector.realmId),
    tenant: vector.tenant,
    subject: vector.subject,
    storedVersion: bytes(vector.storedVersion),
    body: bytes(vector.body),
  }
}

describe('our frozen vectors of proofs, format 1', () => {
  it.each(cases)('$tenant $subject: are made of the same bytes, and are good', (vector) => {
    const about = aboutOf(vector)
    const seed = bytes(vector.seed)
    expect(toHex(deriveEd25519PublicKey(seed))).toBe(vector.authority)
    expect(toHex(writeProof(about, vector.seconds))).toBe(vector.signed)
    expect(signProof(about, { seed, now: vector.seconds * 1000 + 999 })).toBe(vector.header)
    const proof = parseProof(vector.header)
    if (proof === undefined) throw new Error('The vector is no proof.')
    const input = { authority: bytes(vector.authority), now: vector.seconds * 1000 }
    expect(verifyProof(proof, about, input)).toBe(true)
  })
})

describe('a proof', () => {
  const [vector] = cases
  if (vector === undefined) throw new Error('There are no vectors.')
  const about = aboutOf(vector)
  const seed = bytes(vector.seed)
  const now = vector.seconds * 1000
  const authority = bytes(vector.authority)
  const verify = (change: Partial<ProofSubject>, at: number = now, key: Uint8Array = authority): boolean => {
    const proof = parseProof(signProof(about, { seed, now }))
    if (proof === undefined) throw new Error('That is a proof.')
    return verifyProof(proof, { ...about, ...change }, { authority: key, now: at })
  }

  it('is good for nothing else: not another realm, tenant, subject, registration, body or key', () => {
    expect(verify({})).toBe(true)
    const changes: readonly Partial<ProofSubject>[] = [
      { realmId: new Uint8Array(16) },
      { tenant: 'acme' },
      { subject: `${about.subject}0` },
      { storedVersion: new Uint8Array(16) },
      { body: new Uint8Array() },
      // Moved between two fields, the bytes stay the same and their lengths do not.
      { tenant: about.tenant.slice(0, -1), subject: `${about.tenant.slice(-1)}${about.subject}` },
    ]
    for (const change of changes) expect(verify(change)).toBe(false)
    expect(verify({}, now, deriveEd25519PublicKey(new Uint8Array(32)))).toBe(false)
  })

  it('is good for clocks that are five minutes apart, either way, and no further', () => {
    const leeway = PROOF_LEEWAY_SECONDS * 1000
    expect([verify({}, now - leeway), verify({}, now + leeway)]).toEqual([true, true])
    expect([verify({}, now - leeway - 1), verify({}, now + leeway + 1)]).toEqual([false, false])
  })

  it.each([
    '',
    '1',
    '1.',
    `.${'0'.repeat(128)}`,
    `1.${'0'.repeat(127)}`,
    `1.${'A'.repeat(128)}`,
    `-1.${'0'.repeat(128)}`,
    ` 1.${'0'.repeat(128)}`,
    `${'9'.repeat(13)}.${'0'.repeat(128)}`,
  ])('is not written %j', (text) => {
    expect(parseProof(text)).toBeUndefined()
  })
})
