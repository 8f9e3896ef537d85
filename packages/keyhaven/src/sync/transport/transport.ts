/**
 * What key sync asks of a server, whatever carries it. Ids are lower-case hex: registrations, devices and ways 32
 * digits, segments 64. Every call throws the same coded errors as {@link Session.request}.
 */
import type { ChainedRow } from '../format/access-chain.ts'
import type { Pointer } from '../format/pointer.ts'
import type { RemovalKind } from '../format/removal-messages.ts'
import type { ContactTransport } from './contacts.ts'
import type { SessionRequest } from './session.ts'

export interface PointerState {
  readonly pointer: Pointer | null
  readonly etag: string | null
  /** The account's authority key, once there is one. */
  readonly authority: string | null
  readonly pending: { readonly registration: string; readonly device: string } | null
  /** Registrations that are out of use and still to be deleted at their realms. */
  readonly retired: readonly RetiredRegistration[]
  /** The newest row of the access log, where the server tells it here. */
  readonly accessLog: SignedHead | undefined
  /** A deletion without the authority key, which waits. */
  readonly removal: WaitingRemoval | null
  /** The last backup that was deleted. */
  readonly removed: RemovedBackup | null
}

/** The newest row of the access log, signed by the server's chain key; no hash and no signature for an empty log. */
export interface SignedHead {
  readonly sequence: number
  /** 32 bytes. */
  readonly hash: Uint8Array | undefined
  /** 64 bytes. */
  readonly signature: Uint8Array | undefined
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** A device as the server's table has it: the server's words, which let no device open anything. */
export interface ServedDevice {
  readonly id: string
  readonly label: string
  /** ISO 8601. */
  readonly firstUsedAt: string
  readonly lastUsedAt: string
  readonly signedIn: boolean
}

export interface AccessLogPage {
  readonly head: SignedHead
  /** Newest first; none when there are no more. */
  readonly rows: readonly ChainedRow[]
}

export interface WaitingRemoval {
  readonly kind: RemovalKind
  readonly device: string
  /** ISO 8601, by the server's clock; so is `dueAt`. */
  readonly requestedAt: string
  readonly dueAt: string
  /** True when the next request carries it out. */
  readonly due: boolean
}

export interface RemovedBackup {
  readonly kind: RemovalKind
  readonly generation: number
  /** The pointer's etag at that time. */
  readonly etag: string
  /** By the backup's authority key; none when it was deleted after a wait. */
  readonly signature: string | undefined
}

export interface RemovalRequest {
  readonly kind: RemovalKind
  readonly etag: string | null
  readonly signature?: string
  /** With `account`: also while realms may still hold a registration. */
  readonly leaveRegistrations?: boolean
}

export type RemovalAnswer =
  { readonly status: 'removed' | 'closed' } | { readonly status: 'waiting'; readonly dueAt: string }

export interface RetiredRegistration {
  readonly registration: string
  readonly realms: readonly string[]
  /** The generation in which it was in use; none when it never was. */
  readonly generation: number | undefined
  /** The root key of that generation, sealed under the next one's (hex), when the next one took its place. */
  readonly previousRoot: string | undefined
  /** The authority key that it is bound to, as far as the server knows. */
  readonly authority: string | undefined
}

export interface LogHeads {
  readonly heads: readonly string[]
  readonly segments: number
  readonly bytes: number
  /** The highest cursor. */
  readonly cursor: number
  /** Whatever the generation in use had up to this cursor is covered by a snapshot after it, and gone. */
  readonly coveredCursor: number
  /** What came after the generation, or its last snapshot, began. */
  readonly tail: { readonly segments: number; readonly bytes: number }
}

export interface LogPage {
  /** In cursor order; none when there are no more. */
  readonly frames: readonly { readonly cursor: number; readonly bytes: Uint8Array }[]
  /** The highest cursor of the whole log. */
  readonly newest: number
}

export interface CommitRequest {
  readonly registration: string
  readonly expectedEtag: string | null
  readonly expectedHeads: readonly string[]
  readonly anchor: string
  readonly authority: string
  readonly signature: string
  /** The public key that the authority is handed on to. */
  readonly newAuthority?: string
  /** What tells other devices what the pointer is, signed by the authority key from then on. */
  readonly statement: string
  /** The root key of the generation that ends, sealed under the next one's. */
  readonly previousRoot?: string
  /** Hash of the segments and slots that were put for this change, 64 hex digits. */
  readonly content: string
  /** There when the PIN is another from then on. */
  readonly newPin?: true
}

/** JSON as the server wrote it (docs/protocol.md, "Account"), with the pages of the access log in one list. */
export type ExportedAccount = Readonly<Record<string, unknown>> & { readonly accessLog: readonly unknown[] }

/** The account's mailbox for linking a device. */
export interface ServedLink {
  readonly id: string
  readonly messages: readonly Uint8Array[]
}

type Signal = AbortSignal | undefined

/** What adds to a backup is signed by its authority key: 128 hex digits. */
interface Proved {
  readonly proof: string
}

export interface KeySyncTransport {
  readonly origin: string
  /** The account's UUID. */
  readonly accountId: string
  readonly phone: string
  /** 64 hex digits; none for a person's first level. */
  readonly level?: string | undefined
  readonly deviceId: string
  /** True where nobody signs the access log's head: then only what this account's devices have seen is proved. */
  readonly accessLogUnsigned?: true
  readPointer(signal?: Signal): Promise<PointerState>
  beginChange(
    change: Pick<Pointer, 'registration' | 'generation' | 'realms'> & {
      readonly expectedEtag: string | null
    } & Proved,
    signal?: Signal,
  ): Promise<void>
  abandonChange(registration: string, signal?: Signal): Promise<void>
  commitChange(commit: CommitRequest, signal?: Signal): Promise<{ readonly etag: string }>
  /** Says that every realm confirmed the deletion. */
  releaseRegistration(registration: string, signal?: Signal): Promise<void>
  /** Deletes the backup, or the account; without a signature after a wait. */
  requestRemoval(request: RemovalRequest, signal?: Signal): Promise<RemovalAnswer>
  /** Ends a wait for that. */
  keepBackup(signature: string, signal?: Signal): Promise<void>
  putSegment(
    segment: {
      readonly id: string
      readonly bytes: Uint8Array
      readonly registration?: string | undefined
    } & Proved,
    signal?: Signal,
  ): Promise<void>
  /** Of the generation in use, or for the change of a registration. */
  putSlot(
    slot: {
      readonly wayId: string
      readonly slot: Uint8Array
      readonly generation: number
      readonly registration?: string | undefined
    } & Proved,
    signal?: Signal,
  ): Promise<void>
  readSegments(after: number, signal?: Signal): Promise<LogPage>
  readHeads(signal?: Signal): Promise<LogHeads>
  readSlots(signal?: Signal): Promise<{
    readonly generation: number
    readonly slots: ReadonlyMap<string, Uint8Array>
  }>
  /** Up to `limit` (1 to 200) rows with a sequence below `before`, unverified. */
  readAccessLog(
    page: { readonly before?: number; readonly limit: number },
    signal?: Signal,
  ): Promise<AccessLogPage>
  /** Moves the account to a number that a code was sent to; answers it in E.164. `proof` is the authority key's signature, in hex. */
  changePhone(
    change: {
      readonly phone: string
      readonly level?: string | undefined
      readonly requestId: string
      readonly code: string
      readonly proof?: string
    },
    signal?: Signal,
  ): Promise<string>
  listDevices(signal?: Signal): Promise<readonly ServedDevice[]>
  renameDevice(change: { readonly id: string; readonly label: string }, signal?: Signal): Promise<void>
  /** Ends a device's sessions; `proof` is the authority key's signature, in hex, where another one is removed. */
  removeDevice(removal: { readonly id: string; readonly proof?: string }, signal?: Signal): Promise<void>
  /** Opens the account's mailbox for linking a device, in the place of one that is there. */
  offerLink(offer: { readonly id: string; readonly message: Uint8Array }, signal?: Signal): Promise<void>
  /** `ERR_SERVER_REFUSED` with `ERR_NOT_FOUND` when there is none. */
  readLink(signal?: Signal): Promise<ServedLink>
  addLinkMessage(
    added: { readonly id: string; readonly index: number; readonly message: Uint8Array },
    signal?: Signal,
  ): Promise<void>
  closeLink(id: string, signal?: Signal): Promise<void>
  /** Trusted contacts. `ERR_SERVER_REFUSED` with `ERR_NOT_FOUND` where the server has none, as over Supabase. */
  contacts(): Promise<ContactTransport>
  /** Realm tokens by realm id. */
  realmTokens(
    input: { readonly registration: string; readonly realmIds: readonly string[] },
    signal?: Signal,
  ): Promise<ReadonlyMap<string, string>>
  /** Everything that the server holds of the account, but the log's segments. */
  exportAccount(signal?: Signal): Promise<ExportedAccount>
  /** Tells the access log that this device restored. */
  reportRestored(
    report: { readonly success: boolean; readonly identityKeys: number; readonly conversationKeys: number },
    signal?: Signal,
  ): Promise<void>
}

/** The part of a session that a transport needs. */
export interface Requester {
  readonly origin: string
  readonly accountId: string
  readonly phone: string
  readonly level?: string | undefined
  readonly deviceId: string
  request(
    request: SessionRequest,
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly bytes: Uint8Array }>
}
