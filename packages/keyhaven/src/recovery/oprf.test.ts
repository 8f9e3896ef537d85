import { describe, expect, it } from 'vitest'
import { toHex } from '../crypto/text.ts'
import { groupNoble as group } from './group-noble.ts'
import {
  blind,
  evaluateBlinded,
  evaluateDirectly,
  finalize,
  generateScalar,
  verifyEvaluation,
} from './oprf.ts'
import { combinePoints, combineScalars, generateShares } from './shares.ts'
import { bytes, readVectors } from './testing/vectors.ts'

interface Vector {
  readonly name: string
  readonly inputs: Readonly<
    Record<'input' | 'private_key_seed' | 'blinding_factor_seed' | 'beta_t_seed', string>
  >
  readonly outputs: Readonly<
    Record<
      | 'private_key'
      | 'public_key'
      | 'blinding_factor'
      | 'blinded_input'
      | 'blinded_output'
      | 'proof_c'
      | 'proof_beta_z'
      | 'output',
      string
    >
  >
}
const { vectors } = readVectors('juicebox-oprf.json') as { readonly vectors: readonly Vector[] }

describe('the OPRF against the Juicebox SDK’s vectors', () => {
  it.each(vectors)('$name: every value is the same', ({ inputs, outputs }) => {
    const input = bytes(inputs.input)
    const privateKey = group.reduceScalar(bytes(inputs.private_key_seed))
    const blindingFactor = group.reduceScalar(bytes(inputs.blinding_factor_seed))
    const nonce = group.reduceScalar(bytes(inputs.beta_t_seed))
    const publicKey = group.multiplyBase(privateKey)
    const blindedInput = blind({ group, input, blindingFactor })
    const { blindedResult, proof } = evaluateBlinded({ group, privateKey, publicKey, blindedInput, nonce })
    const output = finalize({ group, input, blindingFactor, blindedResult })
    expect({
      private_key: toHex(privateKey),
      public_key: toHex(publicKey),
      blinding_factor: toHex(blindingFactor),
      blinded_input: toHex(blindedInput),
      blinded_output: toHex(blindedResult),
      proof_c: toHex(proof.c),
      proof_beta_z: toHex(proof.betaZ),
      output: toHex(output),
    }).toEqual(outputs)
    expect(verifyEvaluation({ group, publicKey, blindedInput, blindedResult, proof })).toBe(true)
    expect(evaluateDirectly({ group, input, privateKey })).toEqual(output)
  })
})

describe('proofs', () => {
  const privateKey = generateScalar(group)
  const publicKey = group.multiplyBase(privateKey)
  const blindedInput = blind({ group, input: bytes('01'), blindingFactor: generateScalar(group) })
  const { blindedResult, proof } = evaluateBlinded({ group, privateKey, publicKey, blindedInput })
  const good = { group, publicKey, blindedInput, blindedResult, proof }
  const otherPoint = group.multiplyBase(generateScalar(group))
  const otherScalar = generateScalar(group)

  it('hold for what was evaluated', () => {
    expect(verifyEvaluation(good)).toBe(true)
  })

  it('fail when any one value is another', () => {
    expect(verifyEvaluation({ ...good, publicKey: otherPoint })).toBe(false)
    expect(verifyEvaluation({ ...good, blindedInput: otherPoint })).toBe(false)
    expect(verifyEvaluation({ ...good, blindedResult: otherPoint })).toBe(false)
    expect(verifyEvaluation({ ...good, proof: { ...proof, c: otherScalar } })).toBe(false)
    expect(verifyEvaluation({ ...good, proof: { ...proof, betaZ: otherScalar } })).toBe(false)
  })

  it('of one input differ each time, and the result does not', () => {
    const again = evaluateBlinded({ group, privateKey, publicKey, blindedInput })
    expect(again.blindedResult).toEqual(blindedResult)
    expect(again.proof).not.toEqual(proof)
  })
})

describe('shares', () => {
  const secret = generateScalar(group)

  it.each([
    { threshold: 1, count: 1 },
    { threshold: 2, count: 3 },
    { threshold: 3, count: 5 },
    { threshold: 5, count: 5 },
  ])(
    '$threshold of $count give the scalar and the point back, whichever they are',
    ({ threshold, count }) => {
      const shares = generateShares({ group, secret, threshold, count })
      for (let first = 0; first + threshold <= count; first += 1) {
        const some = shares.slice(first, first + threshold)
        expect(combineScalars(group, some)).toEqual(secret)
        const points = some.map(({ index, value }) => ({ index, value: group.multiplyBase(value) }))
        expect(combinePoints(group, points)).toEqual(group.multiplyBase(secret))
      }
    },
  )

  it('below the threshold give something else', () => {
    const shares = generateShares({ group, secret, threshold: 3, count: 5 })
    expect(combineScalars(group, shares.slice(0, 2))).not.toEqual(secret)
  })
})
