/**
 * What register, recover and remove share: their options, checked, and the end by the caller's signal.
 */
import type { Argon2id } from '../crypto/argon2.ts'
import { KeyhavenError } from '../errors.ts'
import type { Configuration } from './configuration.ts'
import { DEFAULT_REALM_DEADLINE_MS, checkConfiguration } from './configuration.ts'
import { groupNoble } from './group-noble.ts'
import type { Group } from './group.ts'
import type { Authority } from './line-authority.ts'
import { openLineAuthority } from './line-authority.ts'
import type { RealmLine, RealmTransport } from './realm-call.ts'
import { callRealm } from './realm-call.ts'

/** What an operation is doing; told as each step begins. */
export type RecoveryStep = 'contacting' | 'stretching' | 'storing' | 'guessing' | 'opening' | 'removing'

export interface OperationOptions {
  readonly configuration: Configuration
  readonly transport: RealmTransport
  readonly group?: Group
  /** How long each request to a realm may take, in milliseconds; 10,000 unless told. */
  readonly realmDeadlineMs?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (step: RecoveryStep) => void
  /**
   * The account's authority key. At `register` it is bound to the record; then only it replaces or removes the registration
   * at once. At `recover` it passes the waits after wrong PINs.
   */
  readonly authority?: Authority
}

export interface PinOptions extends OperationOptions {
  /** The PIN's bytes, already normalised. */
  readonly pin: Uint8Array
  /** The caller's part of the PIN hash's salt. */
  readonly userInfo: Uint8Array
  /** The best that loads here, unless told. */
  readonly argon2id?: Argon2id
}

/** An operation under way. */
export interface Operation {
  readonly configuration: Configuration
  readonly line: RealmLine
  readonly progress: (step: RecoveryStep) => void
}

/**
 * Runs an operation with checked options. When it ends, for whatever reason, so do its calls; when the caller's
 * signal ended it, it throws `ERR_ABORTED`.
 */
export async function runOperation<T>(
  options: OperationOptions,
  run: (operation: Operation) => Promise<T>,
): Promise<T> {
  const configuration = checkConfiguration(options.configuration)
  const realmDeadlineMs = options.realmDeadlineMs ?? DEFAULT_REALM_DEADLINE_MS
  if (!(realmDeadlineMs > 0 && realmDeadlineMs < 2 ** 31)) {
    throw invalidInput('realmDeadlineMs', 'a positive number of milliseconds')
  }
  const controller = new AbortController()
  const stopped = stopWith(options.signal, controller)
  const line = {
    transport: options.transport,
    group: options.group ?? groupNoble,
    realmDeadlineMs,
    signal: controller.signal,
    ...(options.authority !== undefined && { authority: openLineAuthority(options.authority) }),
  }
  try {
    const progress = (step: RecoveryStep): void => options.onProgress?.(step)
    return await Promise.race([stopped.promise, run({ configuration, line, progress })])
  } finally {
    stopped.release()
    controller.abort()
  }
}

/** Rejects with `ERR_ABORTED` and ends the calls when the caller's signal fires. */
function stopWith(
  signal: AbortSignal | undefined,
  controller: AbortController,
): { readonly promise: Promise<never>; readonly release: () => void } {
  const { promise, reject } = withRejection()
  const stop = (): void => {
    reject(new KeyhavenError('ERR_ABORTED', undefined))
    controller.abort()
  }
  if (signal?.aborted === true) stop()
  signal?.addEventListener('abort', stop)
  return { promise, release: () => signal?.removeEventListener('abort', stop) }
}

function withRejection(): { readonly promise: Promise<never>; readonly reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<never>((_, rejected) => {
    reject = rejected
  })
  promise.catch(() => undefined)
  return { promise, reject }
}

/** `ERR_INPUT_INVALID` for a named field. */
export function invalidInput(field: string, expected: string): KeyhavenError<'ERR_INPUT_INVALID'> {
  return new KeyhavenError('ERR_INPUT_INVALID', { field, expected })
}

/** Has every realm tell which version it holds, so that what follows can be signed. Nothing without an authority key. */
export async function learnVersions({ configuration, line }: Operation): Promise<void> {
  if (line.authority === undefined) return
  await Promise.all(configuration.realms.map((realm) => callRealm(line, realm, { kind: 'register1' })))
}
