/**
 * ristretto255 by libsodium: the realm's implementation, several times noble's speed and written without branches on
 * secrets (in C; a WebAssembly engine promises nothing about time).
 *
 * libsodium takes unreduced scalars and refuses results that are the identity. Neither arises here: what comes from
 * outside has passed `isScalar` and `isPoint`, and a non-zero scalar times another point than the identity is never it.
 */
import sodium from 'libsodium-wrappers-sumo'
import type { Group } from 'keyhaven/recovery/realm'
import { POINT_LENGTH } from 'keyhaven/recovery/realm'

let loading: Promise<Group> | undefined

/** The group, once libsodium's wasm is ready. */
export function loadGroupLibsodium(): Promise<Group> {
  loading ??= sodium.ready.then(createGroup)
  return loading
}

function createGroup(): Group {
  const identity = new Uint8Array(POINT_LENGTH)
  const multiplyBase: Group['multiplyBase'] = (scalar) => sodium.crypto_scalarmult_ristretto255_base(scalar)
  const multiply: Group['multiply'] = ({ scalar, point }) =>
    sodium.crypto_scalarmult_ristretto255(scalar, point)
  return {
    isEncodedPoint: (bytes) =>
      bytes.length === POINT_LENGTH && sodium.crypto_core_ristretto255_is_valid_point(bytes),
    mapToPoint: (uniform) => sodium.crypto_core_ristretto255_from_hash(uniform),
    multiplyBase,
    multiply,
    sumOfProducts: (products) =>
      products
        .filter(({ scalar }) => scalar.some((byte) => byte !== 0))
        .map(({ scalar, point }) => (point === 'base' ? multiplyBase(scalar) : multiply({ scalar, point })))
        .reduce((sum, product) => sodium.crypto_core_ristretto255_add(sum, product), identity),
    reduceScalar: (wide) => sodium.crypto_core_ristretto255_scalar_reduce(wide),
    addScalars: (left, right) => sodium.crypto_core_ristretto255_scalar_add(left, right),
    multiplyScalars: (left, right) => sodium.crypto_core_ristretto255_scalar_mul(left, right),
    negateScalar: (scalar) => sodium.crypto_core_ristretto255_scalar_negate(scalar),
    invertScalar: (scalar) => sodium.crypto_core_ristretto255_scalar_invert(scalar),
  }
}
