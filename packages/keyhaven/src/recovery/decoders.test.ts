/** Every decoder of a client of realms takes bytes from strangers: it answers or refuses with its code, and keeps nothing. */
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../crypto/bytes.ts'
import { isKeyhavenError } from '../errors.ts'
import type { KeyhavenErrorCode } from '../errors.ts'
import { parseProof, signProof } from './authority-proof.ts'
import { parseCbor } from './cbor.ts'
import { parseConfiguration, serializeConfiguration } from './configuration.ts'
import { groupNoble as group } from './group-noble.ts'
import { generateScalar } from './oprf.ts'
import { encodeRequest, parseRequest } from './request-codec.ts'
import { encodeResponse, parseResponse } from './response-codec.ts'
import type { ResponseKind } from './response-codec.ts'
import { parseContents, parseDocument, signConfiguration } from './signed-configuration.ts'
import { SAMPLE_REQUESTS, SAMPLE_RESPONSES } from './testing/messages.ts'
import { FUZZ, fuzz } from './testing/mutations.ts'

const KINDS: readonly ResponseKind[] = [
  'register1',
  'register2',
  'recover1',
  'recover2',
  'recover3',
  'delete',
]
const REQUESTS = SAMPLE_REQUESTS.map(encodeRequest)
const RESPONSES = SAMPLE_RESPONSES.map(encodeResponse)

const configuration = parseConfiguration({
  realms: ['01', '02', '03'].map((byte) => ({
    id: byte.repeat(16),
    address: `https://realm-${byte}.example/`,
    operator: { name: 'Beispiel e.V.', jurisdiction: 'Österreich' },
  })),
  register_threshold: 3,
  recover_threshold: 2,
  pin_hashing_mode: 'Standard2019',
})
const signed = { counter: 7, configuration, previous: [configuration] }
const document = signConfiguration(randomBytes(32), signed)
const contents = parseDocument(document).contents
const CONFIGURATION_CODES: readonly KeyhavenErrorCode[] = [
  'ERR_CONFIGURATION_INVALID',
  'ERR_INSECURE_TRANSPORT',
  'ERR_REALM_UNSUPPORTED',
]

function refusing(...codes: readonly KeyhavenErrorCode[]): (fault: unknown) => boolean {
  return (fault) => codes.some((code) => isKeyhavenError(fault, code))
}
const malformed = refusing('ERR_MESSAGE_MALFORMED')

describe('mutated input', FUZZ, () => {
  it('is CBOR or refused', async () => {
    const decode = (bytes: Uint8Array): unknown => parseCbor(bytes, 2048)
    await fuzz({ samples: [...REQUESTS, ...RESPONSES], decode, isRefusal: malformed })
  })

  it('is a request that is written and read again as the same, or refused', async () => {
    const decode = (bytes: Uint8Array): void => {
      const request = parseRequest(bytes)
      expect(parseRequest(encodeRequest(request))).toEqual(request)
    }
    const { refused } = await fuzz({ samples: REQUESTS, decode, isRefusal: malformed })
    expect(refused).toBeGreaterThan(0)
  })

  it.each(KINDS)(
    'is an answer to %s that is written and read again as the same, or refused',
    async (kind) => {
      const decode = (body: Uint8Array): void => {
        const response = parseResponse({ kind, body })
        expect(parseResponse({ kind, body: encodeResponse(response) })).toEqual(response)
      }
      const samples = RESPONSES.filter((_, index) => SAMPLE_RESPONSES[index]?.kind === kind)
      await fuzz({ samples, decode, isRefusal: malformed })
    },
  )

  it('is a configuration that keeps the rules, or refused', async () => {
    const decode = (_: Uint8Array, text: string): void => {
      const parsed = parseConfiguration(parseJson(text))
      expect(parseConfiguration(serializeConfiguration(parsed))).toEqual(parsed)
    }
    const samples = [JSON.stringify(serializeConfiguration(configuration))]
    await fuzz({ samples, decode, isRefusal: refusing(...CONFIGURATION_CODES) })
  })

  it('is a signed configuration, or refused; outside and inside', async () => {
    const isRefusal = refusing(...CONFIGURATION_CODES)
    await fuzz({ samples: [document], decode: (_, text) => parseDocument(text), isRefusal })
    await fuzz({ samples: [contents], decode: (bytes) => parseContents(bytes), isRefusal })
  })

  it('is the header of a proof, or none', async () => {
    const about = {
      realmId: randomBytes(16),
      tenant: 'acme',
      subject: 'me',
      storedVersion: randomBytes(16),
      body: randomBytes(9),
    }
    const proof = signProof(about, { seed: generateScalar(group), now: Date.now() })
    await fuzz({ samples: [proof], decode: (_, text) => parseProof(text), isRefusal: () => false })
  })
})

/** Text that is no JSON is nothing: the callers' own code says so before. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
