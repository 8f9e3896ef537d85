/**
 * The oblivious PRF (2HashDH over ristretto255) and the proof that a realm used its registered key.
 *
 * The client learns F(key, input) and the realms learn nothing of the input; `key` exists only as shares. What this
 * file takes has passed `isScalar` and `isPoint`. Vectors: vectors/juicebox-oprf.json.
 */
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, equalConstantTime, randomBytes, utf8, wipe } from '../crypto/bytes.ts'
import type { Group } from './group.ts'
import { isScalar } from './group.ts'
import type { OprfProof } from './messages.ts'

const OUTPUT_PREFIX = utf8('Juicebox_OPRF_2023_1;')
const PROOF_PREFIX = utf8('Juicebox_DLEQ_2023_1;')

/** A random scalar, never zero. */
export function generateScalar(
  group: Group,
  random: (length: number) => Uint8Array = randomBytes,
): Uint8Array {
  for (;;) {
    const wide = random(64)
    const scalar = group.reduceScalar(wide)
    wipe(wide)
    if (isScalar(scalar)) return scalar
  }
}

/** The input's point, blinded: r · map(SHA-512(input)). */
export function blind(input: {
  readonly group: Group
  readonly input: Uint8Array
  readonly blindingFactor: Uint8Array
}): Uint8Array {
  const point = input.group.mapToPoint(sha512(input.input))
  return input.group.multiply({ scalar: input.blindingFactor, point })
}

/** A realm's step: the blinded result k · u and a proof under a fresh nonce. */
export function evaluateBlinded(input: {
  readonly group: Group
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly blindedInput: Uint8Array
  /** The proof's nonce; random unless a vector fixes it. Two proofs under one nonce give the key away. */
  readonly nonce?: Uint8Array
}): { readonly blindedResult: Uint8Array; readonly proof: OprfProof } {
  const { group, privateKey, publicKey, blindedInput } = input
  const nonce = input.nonce ?? generateScalar(group)
  const blindedResult = group.multiply({ scalar: privateKey, point: blindedInput })
  const c = challenge(group, {
    blindedInput,
    publicKey,
    blindedResult,
    nonceBase: group.multiplyBase(nonce),
    nonceInput: group.multiply({ scalar: nonce, point: blindedInput }),
  })
  const betaZ = group.addScalars(nonce, group.multiplyScalars(privateKey, c))
  return { blindedResult, proof: { c, betaZ } }
}

/** True when the proof shows that `blindedResult` is `blindedInput` times the private half of `publicKey`. */
export function verifyEvaluation(input: {
  readonly group: Group
  readonly publicKey: Uint8Array
  readonly blindedInput: Uint8Array
  readonly blindedResult: Uint8Array
  readonly proof: OprfProof
}): boolean {
  const { group, publicKey, blindedInput, blindedResult, proof } = input
  const minusC = group.negateScalar(proof.c)
  const nonceBase = group.sumOfProducts([
    { scalar: proof.betaZ, point: 'base' },
    { scalar: minusC, point: publicKey },
  ])
  const nonceInput = group.sumOfProducts([
    { scalar: proof.betaZ, point: blindedInput },
    { scalar: minusC, point: blindedResult },
  ])
  const expected = challenge(group, { blindedInput, publicKey, blindedResult, nonceBase, nonceInput })
  return equalConstantTime(expected, proof.c)
}

/** Takes the blinding off a combined result and hashes: 64 bytes. */
export function finalize(input: {
  readonly group: Group
  readonly input: Uint8Array
  readonly blindingFactor: Uint8Array
  readonly blindedResult: Uint8Array
}): Uint8Array {
  const { group, blindingFactor, blindedResult } = input
  const result = group.multiply({ scalar: group.invertScalar(blindingFactor), point: blindedResult })
  return outputOf(input.input, result)
}

/** F(key, input) by the holder of the whole key: 64 bytes, equal to what {@link finalize} gives. */
export function evaluateDirectly(input: {
  readonly group: Group
  readonly input: Uint8Array
  readonly privateKey: Uint8Array
}): Uint8Array {
  const { group, privateKey } = input
  const point = group.mapToPoint(sha512(input.input))
  return outputOf(input.input, group.multiply({ scalar: privateKey, point }))
}

function outputOf(input: Uint8Array, result: Uint8Array): Uint8Array {
  return sha512(concat(OUTPUT_PREFIX, input, result))
}

function challenge(
  group: Group,
  parts: {
    readonly blindedInput: Uint8Array
    readonly publicKey: Uint8Array
    readonly blindedResult: Uint8Array
    readonly nonceBase: Uint8Array
    readonly nonceInput: Uint8Array
  },
): Uint8Array {
  const { blindedInput, publicKey, blindedResult, nonceBase, nonceInput } = parts
  return group.reduceScalar(
    sha512(concat(PROOF_PREFIX, blindedInput, publicKey, blindedResult, nonceBase, nonceInput)),
  )
}
