/**
 * Parts that are loaded when they are needed. In a browser each is a file of its own, and may be out of reach: offline, or
 * gone since the app was deployed anew under an open page.
 */
import { KeyhavenError } from './errors.ts'

/** The module that is being imported; `ERR_MODULE_UNAVAILABLE` when it cannot be loaded. */
export async function loadModule<T>(importing: Promise<T>): Promise<T> {
  try {
    return await importing
  } catch {
    throw new KeyhavenError('ERR_MODULE_UNAVAILABLE', undefined)
  }
}
