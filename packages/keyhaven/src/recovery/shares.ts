/**
 * Shamir's secret sharing over the group's scalars. A share's index is its realm's place, from 1; any `threshold`
 * shares give the secret back, fewer say nothing about it.
 */
import { generateScalar } from './oprf.ts'
import type { Group } from './group.ts'
import { SCALAR_LENGTH } from './group.ts'

/** A value at an index: a scalar share, or a point that was multiplied by one. */
export interface IndexedValue {
  readonly index: number
  readonly value: Uint8Array
}

/** Shares `secret` into `count` shares; share i is f(i) of a random polynomial with f(0) = secret. */
export function generateShares(input: {
  readonly group: Group
  readonly secret: Uint8Array
  readonly threshold: number
  readonly count: number
  readonly random?: (length: number) => Uint8Array
}): readonly IndexedValue[] {
  const { group, secret, threshold, count } = input
  const coefficients = [secret]
  while (coefficients.length < threshold) coefficients.push(generateScalar(group, input.random))
  return Array.from({ length: count }, (_, place) => {
    const index = place + 1
    return { index, value: evaluatePolynomial(group, coefficients, index) }
  })
}

/** The secret of `threshold` or more scalar shares. */
export function combineScalars(group: Group, shares: readonly IndexedValue[]): Uint8Array {
  let sum: Uint8Array = new Uint8Array(SCALAR_LENGTH)
  for (const { index, value } of shares) {
    sum = group.addScalars(sum, group.multiplyScalars(lagrange(group, index, shares), value))
  }
  return sum
}

/** Like {@link combineScalars}, for points that were multiplied by the shares. */
export function combinePoints(group: Group, shares: readonly IndexedValue[]): Uint8Array {
  return group.sumOfProducts(
    shares.map(({ index, value }) => ({ scalar: lagrange(group, index, shares), point: value })),
  )
}

function evaluatePolynomial(group: Group, coefficients: readonly Uint8Array[], index: number): Uint8Array {
  const at = scalarOf(index)
  return coefficients.reduceRight(
    (value, coefficient) => group.addScalars(group.multiplyScalars(value, at), coefficient),
    new Uint8Array(SCALAR_LENGTH),
  )
}

/** Π j / (j − i) over the other indices: how much share i weighs at 0. */
function lagrange(group: Group, index: number, shares: readonly IndexedValue[]): Uint8Array {
  let numerator = scalarOf(1)
  let denominator = scalarOf(1)
  for (const other of shares) {
    if (other.index === index) continue
    numerator = group.multiplyScalars(numerator, scalarOf(other.index))
    const difference = scalarOf(Math.abs(other.index - index))
    denominator = group.multiplyScalars(
      denominator,
      other.index > index ? difference : group.negateScalar(difference),
    )
  }
  return group.multiplyScalars(numerator, group.invertScalar(denominator))
}

function scalarOf(small: number): Uint8Array {
  const scalar = new Uint8Array(SCALAR_LENGTH)
  scalar[0] = small & 0xff
  scalar[1] = small >> 8
  return scalar
}
