/** What went wrong, in words that say what to do. Nothing of the fault itself but its code is shown. */
import { isKeyhavenError } from 'keyhaven'
import { isUnloaded } from '../unloaded-parts.ts'
import type { Texts } from './en.ts'
import { sayTime } from './use-texts.ts'

const WORDS: Readonly<Record<string, Exclude<keyof Texts['faults'], 'wait' | 'other'>>> = {
  ERR_REALMS_UNAVAILABLE: 'server',
  ERR_DATABASE_UNAVAILABLE: 'server',
  ERR_SIGNED_OUT: 'signedOut',
  ERR_DEVICE_REMOVED: 'removed',
  ERR_CODE_REJECTED: 'code',
  ERR_PHONE_INVALID: 'phone',
  ERR_ACCOUNT_MISMATCH: 'mismatch',
  ERR_LOG_DAMAGED: 'damaged',
  ERR_LOG_INCOMPLETE: 'damaged',
  ERR_LOG_FORKED: 'damaged',
  ERR_LOG_ROLLED_BACK: 'rolledBack',
  ERR_AUTHORITY_REQUIRED: 'authority',
  ERR_STORAGE_FAILED: 'storage',
  ERR_VAULT_DAMAGED: 'vault',
  ERR_VAULT_TAMPERED: 'vault',
  ERR_VAULT_BUSY: 'busy',
  ERR_CLOCK_WRONG: 'clock',
  ERR_CLIENT_TOO_OLD: 'old',
  ERR_ACCESS_LOG_TRUNCATED: 'log',
  ERR_ACCESS_LOG_ALTERED: 'log',
}

/** A part of the page, or one of its workers, that could not be loaded. */
const UNLOADED: ReadonlySet<string> = new Set([
  'ERR_MODULE_UNAVAILABLE',
  'ERR_WORKER_FAILED',
  'ERR_ARGON2_UNAVAILABLE',
  'ERR_SCRYPT_UNAVAILABLE',
])

export function explainFault(fault: unknown, { faults }: Texts): string {
  if (isUnloaded(fault) || UNLOADED.has(codeOf(fault)))
    return navigator.onLine ? faults.reload : faults.offline
  if (!isKeyhavenError(fault)) return faults.other('PAGE')
  if (isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')) {
    const { fault: kind } = fault.details as { readonly fault: string }
    return kind === 'network' ? faults.offline : faults.server
  }
  if (isKeyhavenError(fault, 'ERR_RATE_LIMITED')) {
    const { retryAfterSeconds } = fault.details
    return faults.wait(sayTime(new Date(Date.now() + retryAfterSeconds * 1000).toISOString()))
  }
  const word = WORDS[fault.code]
  return word === undefined ? faults.other(fault.code) : faults[word]
}

function codeOf(fault: unknown): string {
  return isKeyhavenError(fault) ? fault.code : ''
}

/** True where nothing but the connection is missing. */
export function isOffline(fault: unknown): boolean {
  return isKeyhavenError(fault, 'ERR_SERVER_UNAVAILABLE')
}
