/** The keys of this device: a new identity, and a Nostr key that is brought, made or came with a restore. */
import { randomBytes, toHex } from 'keyhaven/crypto'
import { generateIdentity, parseIdentity, wipeIdentity, writeIdentity } from 'keyhaven/identity'
import {
  NOSTR_RECORD,
  deriveNostrPublicKey,
  encodeNpub,
  exportNostrKey,
  importNostrKey,
  parseSecretKeyHex,
} from 'keyhaven/nostr'
import type { NostrKeyText } from 'keyhaven/nostr'
import type { Device } from './device.ts'
import { scrypt } from './stretching.ts'

/** The name of the identity among a person's keys, and that of the Nostr key. */
export const IDENTITY = 'identity'
export const NOSTR = 'nostr'

/** Makes the person's identity, unless this device has one. */
export async function makeIdentity({ sync }: Pick<Device, 'sync'>): Promise<void> {
  const { identityKeys } = await sync.keys.exportKeys()
  if (identityKeys[IDENTITY] !== undefined) return
  const identity = await generateIdentity()
  await sync.keys.importKeys({ identityKeys: { [IDENTITY]: writeIdentity(identity) }, conversationKeys: {} })
  wipeIdentity(identity)
}

/** What two people compare to know that they mean the same identity: 32 hex digits in groups of four. */
export async function readFingerprint({ sync }: Pick<Device, 'sync'>): Promise<string | undefined> {
  const bytes = (await sync.keys.exportKeys()).identityKeys[IDENTITY]
  if (bytes === undefined) return undefined
  const identity = await parseIdentity(bytes)
  const digits = toHex(identity.publicIdentity.fingerprint).slice(0, 32)
  wipeIdentity(identity)
  return digits.match(/.{4}/g)?.join(' ')
}

/** Puts a Nostr key among the keys of this device, so that the backup has it, too. Answers its npub. */
export async function bringNostrKey(
  { vault, sync }: Pick<Device, 'vault' | 'sync'>,
  key: NostrKeyText,
): Promise<string> {
  const { publicKey } = await importNostrKey({ vault, key, scrypt })
  await keepNostrKey({ vault, sync })
  return encodeNpub(publicKey)
}

/** The Nostr key that is in the vault becomes one that the backup has, too. */
export async function keepNostrKey({ vault, sync }: Pick<Device, 'vault' | 'sync'>): Promise<void> {
  const secretKey = parseSecretKeyHex(await exportNostrKey({ vault, as: 'hex' }))
  await sync.keys.importKeys({ identityKeys: { [NOSTR]: secretKey }, conversationKeys: {} })
  secretKey.fill(0)
}

/** Puts a Nostr key that came with a restore to where signing finds it; answers its npub, if there is one. */
export async function readNpub({ vault, sync }: Pick<Device, 'vault' | 'sync'>): Promise<string | undefined> {
  const records = await vault.list()
  if (!records.some(({ name }) => name === NOSTR_RECORD)) {
    const secretKey = (await sync.keys.exportKeys()).identityKeys[NOSTR]
    if (secretKey === undefined) return undefined
    await importNostrKey({ vault, key: { as: 'hex', text: toHex(secretKey) } })
    const npub = encodeNpub(deriveNostrPublicKey(secretKey))
    secretKey.fill(0)
    return npub
  }
  return encodeNpub(toHex(await vault.use(NOSTR_RECORD, 'schnorr-public-key', undefined)))
}

/** The Nostr key under a password, to take elsewhere (NIP-49). */
export function lockNostrKey({ vault }: Pick<Device, 'vault'>, password: string): Promise<string> {
  return exportNostrKey({ vault, as: 'ncryptsec', password, scrypt })
}

/** A new Nostr key; answers its npub. */
export function makeNostrKey(device: Pick<Device, 'vault' | 'sync'>): Promise<string> {
  return bringNostrKey(device, { as: 'hex', text: toHex(randomBytes(32)) })
}
