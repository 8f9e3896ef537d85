import { decode, encode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, randomBytes, utf8 } from '../crypto/bytes.ts'
import { toHex } from '../crypto/text.ts'
import { isKeyhavenError } from '../errors.ts'
import { groupNoble as group } from './group-noble.ts'
import { parseCbor } from './cbor.ts'
import { generateScalar } from './oprf.ts'
import { encodeRequest, parseRequest } from './request-codec.ts'
import { encodeResponse, parseResponse } from './response-codec.ts'
import { SAMPLE_REQUESTS as REQUESTS, SAMPLE_RESPONSES as RESPONSES } from './testing/messages.ts'
import { bytes } from './testing/vectors.ts'

const scalar = generateScalar(group)
const point = group.multiplyBase(scalar)
const ORDER = bytes('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')
const IDENTITY = new Uint8Array(32)

function isRefused(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch (error) {
    return isKeyhavenError(error, 'ERR_MESSAGE_MALFORMED')
  }
}

function attempt(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (isKeyhavenError(error, 'ERR_MESSAGE_MALFORMED')) return undefined
    throw error
  }
}

/** Integers beyond 53 bits, floats and simple values are null to us. */
function hasNull(value: unknown): boolean {
  if (value instanceof Map) return [...value.values()].some(hasNull)
  return Array.isArray(value) ? value.some(hasNull) : value === null
}

/** A good Recover3 with one more entry. */
function recover3With(key: Uint8Array, value: Uint8Array): Uint8Array {
  const fields = concat(
    utf8('\x67version'),
    encode(randomBytes(16)),
    utf8('\x6eunlock_key_tag'),
    encode(randomBytes(16)),
  )
  return concat(bytes('a1685265636f76657233a3'), fields, key, value)
}

describe('messages', () => {
  it('of every kind come back as they were', () => {
    for (const request of REQUESTS) expect(parseRequest(encodeRequest(request))).toEqual(request)
    for (const response of RESPONSES) {
      expect(parseResponse({ kind: response.kind, body: encodeResponse(response) })).toEqual(response)
    }
  })

  it('have the protocol’s printed bytes', () => {
    const request = {
      kind: 'recover3',
      version: bytes('050a9dab91f63676be18d118949c1b4f'),
      unlockKeyTag: bytes('90ad6dd4d63b99d06b6d3eb8d08f5b1d'),
    } as const
    expect(toHex(encodeRequest(request))).toBe(
      [
        'a1685265636f76657233a26776657273696f6e50050a9dab91f63676be18d118949c1b4f',
        '6e756e6c6f636b5f6b65795f7461675090ad6dd4d63b99d06b6d3eb8d08f5b1d',
      ].join(''),
    )
  })

  it('have the bytes that cborg gives them', () => {
    const bodies = [...REQUESTS.map(encodeRequest), ...RESPONSES.map(encodeResponse)]
    for (const body of bodies) {
      const value: unknown = decode(body, { useMaps: true })
      expect(toHex(encode(value))).toBe(toHex(body))
      expect(parseCbor(body, 4096)).toEqual(value)
    }
  })

  it('that are read by us are read the same by cborg, whatever they are', () => {
    const bodies = [...REQUESTS.map(encodeRequest), ...RESPONSES.map(encodeResponse)]
    const near = fc.tuple(fc.constantFrom(...bodies), fc.nat(), fc.nat(255)).map(([body, at, byte]) => {
      const changed = body.slice()
      changed[at % body.length] = byte
      return changed
    })
    const simple = fc.oneof(fc.string(), fc.uint8Array(), fc.integer(), fc.constant(null))
    const value = fc.letrec((tie) => ({
      tree: fc.oneof(simple, fc.array(tie('tree')), fc.dictionary(fc.string(), tie('tree'))),
    })).tree
    // In Node cborg writes a longer value into a Buffer, of which it would then read Buffers.
    const encoded = value.map((tree) => Uint8Array.from(encode(tree)))
    let read = 0
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 40 }), encoded), (body) => {
        const ours = attempt(() => parseCbor(body, 1 << 20))
        if (ours === undefined || hasNull(ours)) return
        read += 1
        expect(decode(body, { useMaps: true, rejectDuplicateMapKeys: true })).toEqual(ours)
      }),
      { numRuns: 1000 },
    )
    expect(read).toBeGreaterThan(100)
  })

  it('fit the limit of 2048 bytes', () => {
    for (const request of REQUESTS) expect(encodeRequest(request).length).toBeLessThan(1024)
  })

  it('may have their fields in any order, and fields that nobody knows', () => {
    const [version, tag] = [randomBytes(16), randomBytes(16)]
    const body = concat(
      Uint8Array.of(0xa1, 0x68),
      utf8('Recover3'),
      Uint8Array.of(0xa3, 0x6e),
      utf8('unlock_key_tag'),
      encode(tag),
      encode('anything'),
      encode({ at: ['all', 1.5, null] }),
      Uint8Array.of(0x67),
      utf8('version'),
      encode(version),
    )
    expect(parseRequest(body)).toEqual({ kind: 'recover3', version, unlockKeyTag: tag })
  })
})

describe('a request is refused', () => {
  const good = encodeRequest({ kind: 'recover3', version: randomBytes(16), unlockKeyTag: randomBytes(16) })
  const recover2 = (blindedInput: Uint8Array): Uint8Array =>
    encode({ Recover2: { version: randomBytes(16), oprf_blinded_input: blindedInput } })

  it('not for a field that nobody knows', () => {
    expect(isRefused(() => parseRequest(recover3With(bytes('6178'), bytes('01'))))).toBe(false)
  })

  it.each([
    ['empty', new Uint8Array()],
    ['longer than 2048 bytes', concat(good, new Uint8Array(2048))],
    ['followed by anything', concat(good, Uint8Array.of(0))],
    ['unknown', encode('Recover4')],
    ['unknown with contents', encode({ Recover1: {} })],
    ['two at once', encode({ Recover3: {}, Recover2: {} })],
    ['a number', encode(1)],
    ['a list', encode(['Recover1'])],
    ['without its fields', encode({ Recover3: {} })],
    [
      'with a field too short',
      encode({ Recover3: { version: randomBytes(15), unlock_key_tag: randomBytes(16) } }),
    ],
    [
      'with a field too long',
      encode({ Recover3: { version: randomBytes(17), unlock_key_tag: randomBytes(16) } }),
    ],
    [
      'with text for bytes',
      encode({ Recover3: { version: 'x'.repeat(16), unlock_key_tag: randomBytes(16) } }),
    ],
    ['with a duplicate key', recover3With(utf8('\x67version'), encode(randomBytes(16)))],
    ['with a duplicate of an unknown key', recover3With(bytes('6178'), bytes('a2616101616102'))],
    ['with an indefinite list in an unknown field', recover3With(bytes('6178'), bytes('9f01ff'))],
    ['with a break for the value of an unknown field', recover3With(bytes('6178'), bytes('ff'))],
    ['with a key that is no text', recover3With(bytes('01'), bytes('02'))],
    ['of indefinite length', bytes('7f685265636f76657231ff')],
    ['an indefinite map', bytes('bf685265636f76657231f6ff')],
    ['deeply nested', new Uint8Array(2048).fill(0x81)],
    ['a list that claims four billion items', bytes('9affffffff')],
    ['tagged', bytes('c1685265636f76657231')],
    ['with the identity', recover2(IDENTITY)],
    ['with a point that is none', recover2(new Uint8Array(32).fill(0xff))],
    ['with a point that is not canonical', recover2(bytes('ed' + 'ff'.repeat(30) + '7f'))],
  ])('when it is %s', (_, body) => {
    expect(isRefused(() => parseRequest(body))).toBe(true)
  })

  it.each([
    ['oprf_private_key', IDENTITY],
    ['oprf_private_key', ORDER],
    ['encryption_key_scalar_share', IDENTITY],
    ['encryption_key_scalar_share', ORDER],
    ['encryption_key_scalar_share', new Uint8Array(32).fill(0xff)],
    ['policy', { num_guesses: 0 }],
    ['policy', { num_guesses: 65536 }],
    ['policy', { num_guesses: -1 }],
    ['policy', { num_guesses: 1.5 }],
    ['policy', {}],
    [
      'oprf_signed_public_key',
      { public_key: IDENTITY, verifying_key: randomBytes(32), signature: randomBytes(64) },
    ],
    ['encrypted_secret', randomBytes(144)],
  ])('when %s of Register2 is %j', (field, value) => {
    const fields = {
      version: randomBytes(16),
      oprf_private_key: scalar,
      oprf_signed_public_key: {
        public_key: point,
        verifying_key: randomBytes(32),
        signature: randomBytes(64),
      },
      unlock_key_commitment: randomBytes(32),
      unlock_key_tag: randomBytes(16),
      encryption_key_scalar_share: scalar,
      encrypted_secret: randomBytes(145),
      encrypted_secret_commitment: randomBytes(16),
      policy: { num_guesses: 3 },
    }
    expect(isRefused(() => parseRequest(encode({ Register2: fields })))).toBe(false)
    expect(isRefused(() => parseRequest(encode({ Register2: { ...fields, [field]: value } })))).toBe(true)
  })

  it('or read, whatever it is: nothing else is ever thrown', () => {
    const near = fc.tuple(fc.constantFrom(...REQUESTS), fc.nat(), fc.nat(255)).map(([request, at, byte]) => {
      const body = encodeRequest(request)
      body[at % body.length] = byte
      return body
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), near), (body) => {
        try {
          parseRequest(body)
        } catch (error) {
          expect(isKeyhavenError(error, 'ERR_MESSAGE_MALFORMED')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a response is refused', () => {
  it('when it answers another request', () => {
    for (const response of RESPONSES) {
      for (const kind of ['register1', 'recover1', 'recover2', 'recover3', 'delete'] as const) {
        if (kind === response.kind) continue
        expect(isRefused(() => parseResponse({ kind, body: encodeResponse(response) }))).toBe(true)
      }
    }
  })

  it('when its status is not one of its kind, or a name of JavaScript’s own', () => {
    for (const status of ['Maybe', 'constructor', '__proto__', 'toString']) {
      expect(isRefused(() => parseResponse({ kind: 'recover1', body: encode({ Recover1: status }) }))).toBe(
        true,
      )
      const body = encode({ Recover1: { [status]: {} } })
      expect(isRefused(() => parseResponse({ kind: 'recover1', body }))).toBe(true)
    }
    expect(
      isRefused(() => parseResponse({ kind: 'register1', body: encode({ Register1: { Ok: {} } }) })),
    ).toBe(true)
  })

  it('or read, whatever it is: nothing else is ever thrown', () => {
    const near = fc
      .tuple(fc.constantFrom(...RESPONSES), fc.nat(), fc.nat(255))
      .map(([response, at, byte]) => {
        const body = encodeResponse(response)
        body[at % body.length] = byte
        return { kind: response.kind, body }
      })
    fc.assert(
      fc.property(near, (input) => {
        try {
          parseResponse(input)
        } catch (error) {
          expect(isKeyhavenError(error, 'ERR_MESSAGE_MALFORMED')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})
