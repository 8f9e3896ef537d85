import type { KeyObject } from 'node:crypto'
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { createTokenVerifier, deriveRecordId } from './token.ts'

const NOW = new Date('2026-11-22T12:00:00Z')
const now = NOW.getTime() / 1000
const realmId = randomBytes(16)
const secret = randomBytes(32)
const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }))
}

const verify = createTokenVerifier({
  realmId,
  tenants: new Map([
    ['acme:1', { algorithm: 'HS256', data: secret }],
    ['test-acme:0', { algorithm: 'HS256', data: secret }],
    ['big:2', { algorithm: 'EdDSA', data: spki(ed25519.publicKey) }],
    ['old:3', { algorithm: 'RS256', data: spki(rsa.publicKey) }],
  ]),
})

const CLAIMS = { iss: 'acme', sub: 'somebody', aud: toHex(realmId), nbf: now, exp: now + 600, scope: 'user' }

interface Change {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: KeyObject | Uint8Array
}

/** A good token, changed; a claim that is undefined is left out. */
function token({ claims, header, key }: Change = {}): Promise<string> {
  const payload: unknown = JSON.parse(JSON.stringify({ ...CLAIMS, ...claims }))
  return new SignJWT(payload as Record<string, unknown>)
    .setProtectedHeader({ alg: 'HS256', kid: 'acme:1', ...header })
    .sign(key ?? secret)
}

/** Any header, under the right key. */
function signRaw(header: object, claims: object): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

describe('a realm token is good', () => {
  it.each<[string, Change, string]>([
    ['by HS256', {}, 'acme'],
    ['of a test tenant', { claims: { iss: 'test-acme' }, header: { kid: 'test-acme:0' } }, 'test-acme'],
    [
      'by EdDSA',
      { claims: { iss: 'big' }, header: { alg: 'EdDSA', kid: 'big:2' }, key: ed25519.privateKey },
      'big',
    ],
    [
      'by RS256',
      { claims: { iss: 'old' }, header: { alg: 'RS256', kid: 'old:3' }, key: rsa.privateKey },
      'old',
    ],
    ['without scope', { claims: { scope: undefined } }, 'acme'],
    ['of almost 4096 characters', { claims: { pad: 'x'.repeat(2800) } }, 'acme'],
    ['for a whole day', { claims: { exp: now + 86_400 } }, 'acme'],
    ['five seconds early', { claims: { nbf: now + 5 } }, 'acme'],
    ['four seconds late', { claims: { nbf: now - 600, exp: now - 4 } }, 'acme'],
  ])('%s', async (_, change, tenant) => {
    expect(verify(await token(change), NOW)).toEqual({
      tenant,
      subject: 'somebody',
      context: undefined,
    })
  })

  it('and hands its note on', async () => {
    const noted = await token({ claims: { keyhaven_context: 'c2VhbGVk' } })
    expect(verify(noted, NOW)).toMatchObject({ context: 'c2VhbGVk' })
    for (const context of [7, 'x'.repeat(1025), {}]) {
      const odd = await token({ claims: { keyhaven_context: context } })
      expect(verify(odd, NOW)).toMatchObject({ context: undefined })
    }
  })
})

describe('a realm token is not good', () => {
  it.each<[string, Change]>([
    ['under another key', { key: randomBytes(32) }],
    ['for another realm', { claims: { aud: toHex(randomBytes(16)) } }],
    ['for several realms', { claims: { aud: [toHex(realmId)] } }],
    ['for a realm in upper case', { claims: { aud: 'AB'.repeat(16) } }],
    ['for no realm', { claims: { aud: undefined } }],
    ['of another issuer', { claims: { iss: 'big' } }],
    ['of no issuer', { claims: { iss: undefined } }],
    ['without subject', { claims: { sub: undefined } }],
    ['with an empty subject', { claims: { sub: '' } }],
    ['without expiry', { claims: { exp: undefined } }],
    ['without a beginning', { claims: { nbf: undefined } }],
    ['with an expiry that is text', { claims: { exp: '2030' } }],
    ['expired', { claims: { nbf: now - 600, exp: now - 6 } }],
    ['not yet valid', { claims: { nbf: now + 6 } }],
    ['for longer than a day', { claims: { exp: now + 86_401 } }],
    ['of another scope', { claims: { scope: 'audit' } }],
    ['of an empty scope', { claims: { scope: '' } }],
    ['of an unknown tenant', { header: { kid: 'nobody:1' } }],
    ['of an unknown key version', { header: { kid: 'acme:2' } }],
    ['with a version that is spelled otherwise', { header: { kid: 'acme:01' } }],
    ['without a key name', { header: { kid: undefined } }],
    ['under another tenant’s key name, signed by its own key', { header: { kid: 'big:2' } }],
    ['under its own key name, for another tenant', { claims: { iss: 'test-acme' } }],
    ['under the key name of another tenant with the same secret', { header: { kid: 'test-acme:0' } }],
    [
      'by the key of one tenant under the name of another',
      { claims: { iss: 'old' }, header: { alg: 'EdDSA', kid: 'old:3' }, key: ed25519.privateKey },
    ],
    [
      'of a tenant’s key by another algorithm that it could do',
      { claims: { iss: 'old' }, header: { alg: 'PS256', kid: 'old:3' }, key: rsa.privateKey },
    ],
    ['of a foreign issuer that calls itself by a URL', { claims: { iss: 'https://acme' } }],
    ['that is longer than 4096 characters', { claims: { pad: 'x'.repeat(3000) } }],
    ['with an issue time that is text', { claims: { iat: 'today' } }],
    ['that never ends', { claims: { exp: Number.MAX_VALUE } }],
    ['that began before all time', { claims: { nbf: -Number.MAX_VALUE } }],
    ['by another algorithm than its key’s', { header: { alg: 'HS512' }, key: randomBytes(64) }],
  ])('%s', async (_, change) => {
    expect(verify(await token(change), NOW)).toBeUndefined()
  })

  it('when it claims to need no signature', () => {
    const unsigned = [{ alg: 'none', kid: 'acme:1' }, CLAIMS]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    expect(verify(`${unsigned}.`, NOW)).toBeUndefined()
  })

  it('when a public key is used as if it were a shared secret', () => {
    for (const [kid, iss, key] of [
      ['big:2', 'big', ed25519.publicKey],
      ['old:3', 'old', rsa.publicKey],
    ] as const) {
      const body = [
        { alg: 'HS256', kid },
        { ...CLAIMS, iss },
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.')
      const forged = createHmac('sha256', spki(key)).update(body).digest('base64url')
      expect(verify(`${body}.${forged}`, NOW)).toBeUndefined()
    }
  })

  it.each([
    ['an extension that has to be understood', { crit: ['exp'], exp: now + 60 }],
    ['an unencoded payload', { crit: ['b64'], b64: false }],
    ['no algorithm', { alg: undefined }],
    ['an algorithm in lower case', { alg: 'hs256' }],
    ['a key name that is a number', { kid: 1 }],
    ['a list of key names', { kid: ['acme:1'] }],
  ])('when its header names %s, though the signature is right', (_, change) => {
    const header = { alg: 'HS256', kid: 'acme:1', ...change }
    expect(verify(signRaw(header, CLAIMS), NOW)).toBeUndefined()
  })

  it('wherever jose refuses it: no change of one character passes here that does not pass there', async () => {
    const tokens = [
      signRaw({ alg: 'HS256', kid: 'acme:1' }, CLAIMS),
      await token({
        claims: { iss: 'big' },
        header: { alg: 'EdDSA', kid: 'big:2' },
        key: ed25519.privateKey,
      }),
      await token({ claims: { iss: 'old' }, header: { alg: 'RS256', kid: 'old:3' }, key: rsa.privateKey }),
    ]
    const keys = [secret, ed25519.publicKey, rsa.publicKey]
    const seen = { good: 0, refused: 0 }
    for (const [place, text] of tokens.entries()) {
      expect(verify(text, NOW)).toBeDefined()
      for (let at = 0; at < text.length; at += 2) {
        for (const other of ['', 'A', '.', '=', ' ']) {
          const changed = text.slice(0, at) + other + text.slice(at + 1)
          const isGood = verify(changed, NOW) !== undefined
          seen[isGood ? 'good' : 'refused'] += 1
          if (isGood) await jwtVerify(changed, keys[place] ?? secret, { currentDate: NOW, clockTolerance: 5 })
        }
      }
    }
    // The letter A in the place of an A.
    expect(seen.good).toBeLessThan(100)
    expect(seen.refused).toBeGreaterThan(1000)
  })

  it.each(['', '.', '..', 'a.b.c', 'x'.repeat(5000), '{"alg":"HS256"}'])('when it is %j', (text) => {
    expect(verify(text, NOW)).toBeUndefined()
  })
})

describe('the record of a token', () => {
  it('is another for another tenant or subject, also where they run into one another', () => {
    const ids = [
      { tenant: 'ab', subject: 'c' },
      { tenant: 'a', subject: 'bc' },
      { tenant: 'ab', subject: 'd' },
    ].map((identity) => toHex(deriveRecordId({ ...identity, context: undefined })))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
