/** Every decoder of a realm takes bytes from strangers: it answers or refuses with its code, and keeps nothing. */
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { isKeyhavenError } from 'keyhaven'
import type { KeyhavenErrorCode } from 'keyhaven'
import { randomBytes, toBase64, toHex } from 'keyhaven/crypto'
import { LENGTHS, encodeRequest, parseRequest, signProof } from 'keyhaven/recovery/realm'
import { SAMPLE_REQUESTS } from '../packages/keyhaven/src/recovery/testing/messages.ts'
import { FUZZ, fuzz } from '../packages/keyhaven/src/recovery/testing/mutations.ts'
import { Refusal } from '../packages/server/src/http/refusal.ts'
import { parseTenants } from '../packages/server/src/settings/tenants.ts'
import { readGuardHeaders } from '../packages/server/src/realm/guard-headers.ts'
import { loadGroupLibsodium } from '../packages/server/src/realm/group-libsodium.ts'
import {
  formatEnd,
  formatHeader,
  formatRecord,
  parseHeader,
  parseLine,
} from '../packages/server/src/realm/operator/transfer-file.ts'
import { encodeCharged, parseCharged } from '../packages/server/src/realm/records.ts'
import { createRegistrationSeal } from '../packages/server/src/realm/seal.ts'
import { parseSealKeys } from '../packages/server/src/realm/seal-keys/environment.ts'
import { createTokenVerifier } from '../packages/server/src/realm/token.ts'

const realmId = randomBytes(16)
const secret = randomBytes(32)
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const spki = publicKey.export({ type: 'spki', format: 'der' })
const tenants = {
  acme: { 1: { algorithm: 'HS256', encoding: 'hex', data: toHex(secret) } },
  other: { 1: { algorithm: 'EdDSA', encoding: 'base64', data: toBase64(spki) } },
}

function refusing(...codes: readonly KeyhavenErrorCode[]): (fault: unknown) => boolean {
  return (fault) => codes.some((code) => isKeyhavenError(fault, code))
}
const malformed = refusing('ERR_ENVELOPE_MALFORMED')

async function token(tenant: string, key: typeof privateKey | Uint8Array, alg: string): Promise<string> {
  return new SignJWT({ scope: 'user' })
    .setProtectedHeader({ alg, kid: `${tenant}:1` })
    .setIssuer(tenant)
    .setSubject('somebody')
    .setAudience(toHex(realmId))
    .setNotBefore('-1m')
    .setExpirationTime('10m')
    .sign(key)
}

describe('mutated input', FUZZ, () => {
  it('is a token that was issued, or none', async () => {
    const verify = createTokenVerifier({
      tenants: parseTenants(JSON.stringify(tenants), 'KEYHAVEN_TENANTS'),
      realmId,
    })
    const samples = [await token('acme', secret, 'HS256'), await token('other', privateKey, 'EdDSA')]
    const now = new Date()
    for (const sample of samples) expect(verify(sample, now)).toMatchObject({ subject: 'somebody' })
    const decode = (_: Uint8Array, text: string): void => {
      const identity = verify(text, now)
      if (identity !== undefined) expect(identity.subject).toBe('somebody')
    }
    await fuzz({ samples, decode, isRefusal: () => false })
  })

  it('is a request with points of the curve, or refused', async () => {
    const group = await loadGroupLibsodium()
    const decode = (bytes: Uint8Array): unknown => parseRequest(bytes, group)
    const samples = SAMPLE_REQUESTS.map(encodeRequest)
    await fuzz({ samples, decode, isRefusal: refusing('ERR_MESSAGE_MALFORMED') })
  })

  it('is a proof and an authority key in headers, or refused', async () => {
    const body = randomBytes(20)
    const [tenant, subject] = ['acme', 'somebody']
    const about = { realmId, tenant, subject, storedVersion: randomBytes(16), body }
    const proof = signProof(about, { seed: randomBytes(32), now: Date.now() })
    const identity = { tenant, subject, context: undefined }
    const decode = (_: Uint8Array, text: string): unknown =>
      readGuardHeaders({ header: () => text }, { realmId, identity, body, now: new Date() })
    const isRefusal = (fault: unknown): boolean =>
      fault instanceof Refusal && fault.code === 'ERR_BODY_MALFORMED'
    await fuzz({ samples: [proof, toHex(randomBytes(32))], decode, isRefusal })
  })

  it('is no sealed record of ours', async () => {
    const seal = createRegistrationSeal({ sealKey: randomBytes(32), realmId })
    const owner = { recordId: randomBytes(32), version: randomBytes(16) }
    const [register2] = SAMPLE_REQUESTS.flatMap((each) => (each.kind === 'register2' ? [each] : []))
    if (register2 === undefined) throw new Error('There is no registration among the samples.')
    const sealed = await seal.seal(owner, register2.registration)
    const decode = async (bytes: Uint8Array): Promise<void> => {
      const opened = await seal.open(owner, bytes)
      expect(bytes).toEqual(sealed)
      expect(opened).toEqual(register2.registration)
    }
    const isRefusal = refusing('ERR_ENVELOPE_MALFORMED', 'ERR_ENVELOPE_REJECTED')
    const { refused } = await fuzz({ samples: [sealed], decode, isRefusal })
    expect(refused).toBeGreaterThan(0)
    const charged = [{ hash: randomBytes(32), chargedAt: 1_795_824_000_000, repeats: 5 }]
    const again = (bytes: Uint8Array): void => {
      expect(parseCharged(bytes).length).toBe(Math.floor(bytes.length / 41))
    }
    await fuzz({ samples: [encodeCharged(charged)], decode: again, isRefusal: () => false })
  })

  it('is a line of a tenant’s file, or refused', async () => {
    const [register2] = SAMPLE_REQUESTS.flatMap((each) => (each.kind === 'register2' ? [each] : []))
    const recordId = randomBytes(32)
    const guard = { authority: randomBytes(32), coolingUntil: 1_795_824_000_000 }
    const version = randomBytes(LENGTHS.version)
    const registered = formatRecord({
      recordId,
      record: {
        state: 'registered',
        version,
        numGuesses: 10,
        guessCount: 1,
        unlockKeyTagHash: randomBytes(32),
        charged: [{ hash: randomBytes(32), chargedAt: 1_795_824_000_000, repeats: 5 }],
        lastAttemptUntil: undefined,
        spent: { day: 20_000, evaluations: 3 },
        guard,
      },
      registration: register2?.registration,
    })
    const locked = {
      recordId,
      record: { state: 'no-guesses', guarded: { version, guard } },
      registration: undefined,
    } as const
    const samples = [registered, formatRecord(locked), formatEnd(2)]
    for (const sample of samples) expect(parseLine(sample)).toBeDefined()
    await fuzz({ samples, decode: (_, text) => parseLine(text), isRefusal: malformed })
    const header = formatHeader({ realmId, tenant: 'acme', transfer: randomBytes(16), records: 2 })
    await fuzz({ samples: [header], decode: (_, text) => parseHeader(text), isRefusal: malformed })
  })

  it('is a setting with keys, or refused by its name', async () => {
    const isRefusal = refusing('ERR_SETTING_INVALID')
    const decode = (_: Uint8Array, text: string): unknown => parseTenants(text, 'KEYHAVEN_TENANTS')
    await fuzz({ samples: [JSON.stringify(tenants)], decode, isRefusal })
    const keys = `${toHex(randomBytes(32))},${toHex(randomBytes(32))}`
    await fuzz({
      samples: [keys],
      decode: (_, text) => parseSealKeys(text, 'KEYHAVEN_REALM_SEAL_KEY'),
      isRefusal,
    })
  })
})
