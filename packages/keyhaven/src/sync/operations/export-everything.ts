/**
 * Everything about a person in one plain object: what the server holds of him, as it says it, and what this device knows.
 * Keys are in it only when they are asked for.
 */
import { toBase64, toHex } from '../../crypto/index.ts'
import { readState } from '../device/backup-state.ts'
import type { SyncContext } from '../steps/context.ts'
import { openKeyStore } from '../device/key-store.ts'
import type { ListedKey } from '../device/key-store.ts'
import { parseSegment } from '../format/segment.ts'
import type { ExportedAccount } from '../transport/transport.ts'

/** JSON can hold it; bytes are standard base64, times ISO 8601. */
export interface Everything {
  readonly exportedAt: string
  readonly server: string
  readonly accountId: string
  readonly phone: string
  /** The server's own words: account, devices, sessions, pointer, slots, access log. */
  readonly account: ExportedAccount
  /** The key log, sealed, oldest first. */
  readonly segments: readonly { readonly id: string; readonly cursor: number; readonly segment: string }[]
  readonly device: {
    readonly id: string
    readonly label: string
    /** True when this device has the backup open. */
    readonly joined: boolean
    readonly ways: readonly { readonly id: string; readonly type: string; readonly label: string }[]
    readonly keys: readonly ListedKey[]
  }
  /** By name, the private keys on this device. Whoever reads them has them. */
  readonly revealedKeys?: {
    readonly identityKeys: Readonly<Record<string, string>>
    readonly conversationKeys: Readonly<Record<string, string>>
  }
}

/** Reads; changes nothing. */
export async function exportEverything(
  context: SyncContext,
  { reveal }: { readonly reveal: boolean },
): Promise<Everything> {
  const { transport, vault, device, signal } = context
  const account = await transport.exportAccount(signal)
  const segments = await readAllSegments(context)
  const state = await readState(vault)
  const keys = openKeyStore(vault)
  const ways = (state?.ways ?? []).map(({ id, type, label }) => ({ id, type, label }))
  return {
    exportedAt: new Date().toISOString(),
    server: transport.origin,
    accountId: transport.accountId,
    phone: transport.phone,
    account,
    segments,
    device: {
      id: toHex(device.id),
      label: device.label,
      joined: state !== undefined,
      ways,
      keys: await keys.listKeys(),
    },
    ...(reveal && { revealedKeys: await readKeys(keys) }),
  }
}

async function readAllSegments({ transport, signal }: SyncContext): Promise<Everything['segments']> {
  const all: Everything['segments'][number][] = []
  for (let after = 0; ;) {
    const { frames } = await transport.readSegments(after, signal)
    const last = frames.at(-1)
    if (last === undefined) return all
    for (const { cursor, bytes } of frames) {
      all.push({ id: toHex(parseSegment(bytes).id), cursor, segment: toBase64(bytes) })
    }
    after = last.cursor
  }
}

async function readKeys(
  keys: ReturnType<typeof openKeyStore>,
): Promise<NonNullable<Everything['revealedKeys']>> {
  const { identityKeys, conversationKeys } = await keys.exportKeys()
  return { identityKeys: write(identityKeys), conversationKeys: write(conversationKeys) }
}

function write(keys: Readonly<Record<string, Uint8Array>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, toBase64(key)]))
}
