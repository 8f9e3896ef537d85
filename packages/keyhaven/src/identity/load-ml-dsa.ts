/**
 * ML-DSA-65, loaded when an identity first signs or verifies: 17 kB gzipped that a page without identities does without.
 */
import type * as MlDsa from '../crypto/ml-dsa.ts'

export async function loadMlDsa(): Promise<typeof MlDsa> {
  return import('../crypto/ml-dsa.ts')
}
