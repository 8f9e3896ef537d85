/**
 * What a page and the worker that holds its vaults say to each other. No message carries a key, except the answer to an
 * explicit `get`, a record on its way in, and what unlocks: a password, or what a passkey yields, which only pages can ask.
 */
import type { KeyhavenErrorCode } from '../../errors.ts'
import type { FactorContext, FactorOutcome } from '../protection.ts'
import type { PasskeyOptions } from '../protection/passkey.ts'
import type { Portable } from '../protection/portable.ts'
import type { AutoLockOptions, Vault } from '../types.ts'

/** A `Worker`, the global scope of one, or a `MessagePort`. */
export interface MessageEnd {
  postMessage(message: unknown, transfer?: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void
}

export interface RemoteOptions {
  readonly name: string
  readonly database: string | undefined
  readonly protections: readonly Portable[]
  readonly autoLock: AutoLockOptions | undefined
}

/** The vault's functions that the page may call. */
export type RemoteMethod = Exclude<keyof Vault, 'name' | 'id' | 'state' | 'onStateChange'>

/** A protection among a method's arguments. */
export interface ProtectionArgument {
  readonly protection: Portable
}

export type Call =
  | { readonly call: 'create' | 'open'; readonly options: RemoteOptions }
  | { readonly call: 'describe'; readonly options: RemoteOptions }
  | {
      readonly call: 'method'
      readonly handle: number
      readonly method: RemoteMethod
      readonly args: readonly unknown[]
    }

/** What the worker needs a page for: a passkey. */
export interface PasskeyQuestion {
  readonly options: PasskeyOptions
  readonly context: FactorContext
  /** Stored parameters; none when a slot is made. */
  readonly parameters: Uint8Array | undefined
}

export type PasskeyAnswer =
  | FactorOutcome
  | { readonly status: 'enrolled'; readonly parameters: Uint8Array; readonly secret: Uint8Array }

/** An error as it crosses: its code and details, which are safe to show; never a foreign error's words. */
export interface RemoteError {
  readonly code: KeyhavenErrorCode
  readonly details: unknown
}

/** Marks our messages among others that an app may send on the same port. */
export const CHANNEL = 'vault/1'

export type Message = { readonly keyhaven: typeof CHANNEL } & (
  | { readonly kind: 'request'; readonly id: number; readonly body: Call | PasskeyQuestion }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: RemoteError }
  | { readonly kind: 'state'; readonly handle: number; readonly state: 'locked' | 'unlocked' }
)

/** What `create` and `open` answer. */
export interface RemoteVault {
  readonly handle: number
  readonly id: Uint8Array
  readonly state: 'locked' | 'unlocked'
}
