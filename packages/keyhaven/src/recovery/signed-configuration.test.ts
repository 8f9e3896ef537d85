import { describe, expect, it } from 'vitest'
import { utf8 } from '../crypto/bytes.ts'
import { deriveEd25519PublicKey, signEd25519 } from '../crypto/ed25519.ts'
import { toBase64, toHex } from '../crypto/text.ts'
import { isKeyhavenError } from '../errors.ts'
import { parseConfiguration } from './configuration.ts'
import type { Configuration } from './configuration.ts'
import { describeReliance } from './reliance.ts'
import { parseSignedConfiguration, signConfiguration } from './signed-configuration.ts'
import { bytes, readVectors } from './testing/vectors.ts'

interface Case {
  readonly seed: string
  readonly publicKey: string
  readonly counter: number
  readonly configuration: object
  readonly previous: readonly object[]
  readonly message: string
  readonly document: string
}
const { cases } = readVectors('signed-configuration-1.json') as { readonly cases: readonly Case[] }
const seed = new Uint8Array(32).fill(7)
const publicKey = deriveEd25519PublicKey(seed)

/** A configuration of so many realms, run by the operators named; `null` is nobody in particular. */
function realmsOf(operators: readonly (string | null)[], recoverThreshold: number): Configuration {
  return parseConfiguration({
    realms: operators.map((name, index) => ({
      id: (index + 1).toString(16).padStart(32, '0'),
      address: `https://realm-${String(index)}.example/`,
      ...(name !== null && { operator: { name, jurisdiction: `Country of ${name}` } }),
    })),
    register_threshold: operators.length,
    recover_threshold: recoverThreshold,
    pin_hashing_mode: 'Standard2019',
  })
}

const one = realmsOf(['Ours'], 1)
const three = realmsOf(['Ours', 'Theirs', null], 2)
const document = signConfiguration(seed, { counter: 2, configuration: three, previous: [one] })

/** What a document is refused with: the code and, of a rejected one, the reason. */
function refusalOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (fault) {
    if (isKeyhavenError(fault, 'ERR_CONFIGURATION_REJECTED')) return fault.details.reason
    return isKeyhavenError(fault) ? fault.code : 'a foreign error'
  }
}

function open(text: string): unknown {
  return parseSignedConfiguration(text, { publicKey })
}

/** A document whose signature is good, whatever it says. */
function signText(contents: string): string {
  const message = new Uint8Array([
    ...[0, 0, 0, 25, ...utf8('keyhaven/configuration/v1')],
    ...[0, 0, 0, 0].map((_, index) => (utf8(contents).length >> (24 - 8 * index)) & 0xff),
    ...utf8(contents),
  ])
  const signature = toHex(signEd25519({ seed, message }))
  return JSON.stringify({ keyhavenConfiguration: 1, signed: toBase64(utf8(contents)), signature })
}

describe('our frozen vectors of signed configurations, format 1', () => {
  it.each(cases)('$counter: are written and read the same', (vector) => {
    const signed = {
      counter: vector.counter,
      configuration: parseConfiguration(vector.configuration),
      previous: vector.previous.map((each) => parseConfiguration(each)),
    }
    expect(toHex(deriveEd25519PublicKey(bytes(vector.seed)))).toBe(vector.publicKey)
    expect(signConfiguration(bytes(vector.seed), signed)).toBe(vector.document)
    const read = parseSignedConfiguration(vector.document, { publicKey: bytes(vector.publicKey) })
    expect(read).toMatchObject(signed)
    const { signature } = JSON.parse(vector.document) as { readonly signature: string }
    expect(toHex(signEd25519({ seed: bytes(vector.seed), message: bytes(vector.message) }))).toBe(signature)
  })
})

describe('a signed configuration', () => {
  it('says its realms with their operators, those before, and its count', () => {
    expect(open(document)).toMatchObject({ counter: 2, configuration: three, previous: [one] })
    expect(open(JSON.stringify(JSON.parse(document), null, 2))).toEqual(open(document))
  })

  it('of another key, or changed in any character that counts, is rejected', () => {
    const other = signConfiguration(new Uint8Array(32).fill(8), {
      counter: 9,
      configuration: one,
      previous: [],
    })
    expect(refusalOf(() => open(other))).toBe('signature')
    const { signed, signature } = JSON.parse(document) as {
      readonly signed: string
      readonly signature: string
    }
    for (let index = 0; index < signed.length - 2; index += 37) {
      const letter = signed[index] === 'A' ? 'B' : 'A'
      const changed = signed.slice(0, index) + letter + signed.slice(index + 1)
      const text = JSON.stringify({ keyhavenConfiguration: 1, signed: changed, signature })
      expect(refusalOf(() => open(text))).toBe('signature')
    }
    const flipped = `${signature.startsWith('0') ? '1' : '0'}${signature.slice(1)}`
    const text = JSON.stringify({ keyhavenConfiguration: 1, signed, signature: flipped })
    expect(refusalOf(() => open(text))).toBe('signature')
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a plain configuration', JSON.stringify({ realms: [] })],
    ['another format', document.replace('"keyhavenConfiguration":1', '"keyhavenConfiguration":2')],
    [
      'a signature that is none',
      JSON.stringify({ keyhavenConfiguration: 1, signed: 'AA==', signature: 'ab' }),
    ],
    [
      'base64 that is none',
      JSON.stringify({ keyhavenConfiguration: 1, signed: '?', signature: '00'.repeat(64) }),
    ],
    ['more than 128 KiB', document + ' '.repeat(131_072)],
    ['signed text that is no JSON', signText('{')],
    ['a count of nothing', signText(JSON.stringify({ configuration: {}, previous: [] }))],
    ['a count of zero', signText('{"counter":0,"configuration":{},"previous":[]}')],
    ['no list of those before', signText('{"counter":1,"configuration":{},"previous":{}}')],
    ['no realms', signText('{"counter":1,"configuration":{"realms":[]},"previous":[]}')],
  ])('that is %s is refused', (_, text) => {
    expect(refusalOf(() => open(text))).toBe('ERR_CONFIGURATION_INVALID')
  })

  it('has at most 16 realms and 8 configurations before it', () => {
    const sign = (configuration: Configuration, previous: readonly Configuration[], counter = 1): string =>
      signConfiguration(seed, { counter, configuration, previous })
    const names = (count: number): readonly string[] => Array.from({ length: count }, () => 'x'.repeat(50))
    expect(
      open(
        sign(
          realmsOf(names(16), 9),
          Array.from({ length: 8 }, () => realmsOf(names(16), 16)),
        ),
      ),
    ).toMatchObject({
      configuration: { recoverThreshold: 9 },
    })
    expect(refusalOf(() => sign(realmsOf(names(17), 9), []))).toBe('ERR_CONFIGURATION_INVALID')
    expect(refusalOf(() => sign(one, [realmsOf(names(17), 9)]))).toBe('ERR_CONFIGURATION_INVALID')
    expect(
      refusalOf(() =>
        sign(
          one,
          Array.from({ length: 9 }, () => one),
        ),
      ),
    ).toBe('ERR_CONFIGURATION_INVALID')
    for (const counter of [0, -1, 1.5, 2 ** 53]) {
      expect(refusalOf(() => sign(one, [], counter))).toBe('ERR_CONFIGURATION_INVALID')
    }
  })

  it('names its operators in letters that say only what they show', () => {
    for (const name of ['', ' ', 'x'.repeat(65), 'a\u001b[2K', 'a\u202eb', 'a\nb', 7, null]) {
      const realms = [
        { id: '01'.repeat(16), address: 'https://a.example/', operator: { name, jurisdiction: 'X' } },
      ]
      const value = { realms, register_threshold: 1, recover_threshold: 1, pin_hashing_mode: 'Standard2019' }
      expect(refusalOf(() => parseConfiguration(value))).toBe('ERR_CONFIGURATION_INVALID')
    }
  })
})

describe('whom a configuration relies on', () => {
  it.each([
    ['the only realm', ['A'], 1, { realmsToCollude: 1, operatorsToCollude: 1, realmsToLose: 1 }],
    [
      '2 of 3 of three operators',
      ['A', 'B', 'C'],
      2,
      { realmsToCollude: 2, operatorsToCollude: 2, realmsToLose: 2 },
    ],
    [
      '2 of 3, two of one operator',
      ['A', 'B', 'A'],
      2,
      { realmsToCollude: 2, operatorsToCollude: 1, realmsToLose: 2 },
    ],
    [
      '3 of 5 of which nobody is named',
      [null, null, null, null, null],
      3,
      { realmsToCollude: 3, operatorsToCollude: 1 },
    ],
    [
      '5 of 5',
      ['A', 'B', 'B', null, null],
      5,
      { realmsToCollude: 5, operatorsToCollude: 3, realmsToLose: 1 },
    ],
  ] as const)('%s', (_, operators, threshold, expected) => {
    const reliance = describeReliance(realmsOf(operators, threshold))
    expect(reliance).toMatchObject(expected)
    expect(reliance.realms.map(({ operator }) => operator?.name ?? null)).toEqual(operators)
  })
})
