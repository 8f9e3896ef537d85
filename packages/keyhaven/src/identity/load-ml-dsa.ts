/**
 * ML-DSA-65, loaded when an identity first signs or verifies: 17 kB gzipped that a page without identities does without.
 */
import { loadModule } from '../load-module.ts'
import type * as MlDsa from '../crypto/ml-dsa.ts'

/** The functions of ml-dsa.ts; `ERR_MODULE_UNAVAILABLE`. */
export function loadMlDsa(): Promise<typeof MlDsa> {
  return loadModule(import('../crypto/ml-dsa.ts'))
}
