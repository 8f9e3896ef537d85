/**
 * X-Wing when it is needed: ML-KEM is large, and an app's page starts without it.
 */
import { loadModule } from '../load-module.ts'
import type * as XWing from './x-wing.ts'

export const XWING_SEED_LENGTH = 32
export const XWING_PUBLIC_KEY_LENGTH = 1216
export const XWING_CIPHERTEXT_LENGTH = 1120

/** The functions of x-wing.ts; `ERR_MODULE_UNAVAILABLE`. */
export function loadXWing(): Promise<typeof XWing> {
  return loadModule(import('./x-wing.ts'))
}
