/**
 * The three blocks of code in QryptChat's document, line by line, with the names that an app gives them: backing up, restoring on
 * the next device, and backing up what only this browser has.
 */
import { expect } from 'vitest'
import { randomBytes, toBase64 } from 'keyhaven/crypto'
import type { Compat } from 'keyhaven/sync/compat'
import { PIN } from './people.ts'

const base64 = (bytes: number): string => toBase64(randomBytes(bytes))

/** What `$lib/crypto/…` and `$lib/supabase.js` give on one device. */
type Names<Client> = Compat<Client> & { readonly supabase: Client }

/** Runs all three; `open` opens the app on a new device of the signed-in person. */
export async function runPublishedCode<Client>(
  open: () => Promise<Names<Client>>,
  phoneNumber: string,
): Promise<void> {
  const old = await open()
  const identityKeys = { publicKey: base64(1184), privateKey: base64(2400) }
  const conversationKeys = { [crypto.randomUUID()]: base64(32), [crypto.randomUUID()]: base64(32) }
  await old.keyManager.importUserKeys(identityKeys)
  for (const [id, key] of Object.entries(conversationKeys)) await old.keyManager.storeConversationKey(id, key)
  await migrate(old, phoneNumber)
  const later = { ...conversationKeys, [crypto.randomUUID()]: base64(32) }
  await backUp(old, { phoneNumber, userIdentityKeys: identityKeys, userConversationKeys: later })
  const fingerprint = await old.EncryptedKeyBackup.generateDeviceFingerprint()
  expect(fingerprint).toMatch(/^[0-9a-f]{32}$/)
  expect(await old.EncryptedKeyBackup.generateDeviceFingerprint()).toBe(fingerprint)
  const next = await open()
  expect(await next.keyManager.hasUserKeys()).toBe(false)
  await restore(next, phoneNumber)
  expect(await next.keyManager.getUserKeys()).toEqual(identityKeys)
  expect(await next.keyManager.getAllConversationKeys()).toEqual(later)
}

async function migrate<Client>(names: Names<Client>, phoneNumber: string): Promise<void> {
  const { KeySyncService, EncryptedKeyBackup, keyManager, supabase } = names
  let asked = 0
  const promptUserForPIN = (): Promise<string> => {
    asked += 1
    return Promise.resolve(PIN)
  }
  const keySyncService = new KeySyncService(supabase)
  await keySyncService.initialize()
  // Check if user has existing keys
  const hasLocalKeys = await keyManager.hasUserKeys()
  const hasBackup = await keySyncService.checkBackupStatus(phoneNumber)
  if (hasLocalKeys && !hasBackup.hasBackup) {
    // Prompt user to create PIN and backup existing keys
    const pin = await promptUserForPIN()
    const identityKeys = await keyManager.getUserKeys()
    const conversationKeys = await keyManager.getAllConversationKeys()
    await keySyncService.backupKeys({
      phoneNumber,
      pin,
      identityKeys,
      conversationKeys,
      deviceFingerprint: await EncryptedKeyBackup.generateDeviceFingerprint(),
    })
  }
  expect(asked).toBe(1)
  expect(await keySyncService.checkBackupStatus(phoneNumber)).toMatchObject({
    success: true,
    hasBackup: true,
  })
}

async function backUp<Client>(
  { KeySyncService, EncryptedKeyBackup, supabase }: Names<Client>,
  given: {
    readonly phoneNumber: string
    readonly userIdentityKeys: Readonly<Record<string, string>>
    readonly userConversationKeys: Readonly<Record<string, string>>
  },
): Promise<void> {
  const { phoneNumber, userIdentityKeys, userConversationKeys } = given
  const keySyncService = new KeySyncService(supabase)
  await keySyncService.initialize()
  // Backup keys to cloud
  const result = await keySyncService.backupKeys({
    phoneNumber,
    pin: PIN,
    identityKeys: userIdentityKeys,
    conversationKeys: userConversationKeys,
    deviceFingerprint: await EncryptedKeyBackup.generateDeviceFingerprint(),
  })
  expect(result.success).toBe(true)
}

async function restore<Client>(
  { KeySyncService, EncryptedKeyBackup, keyManager, supabase }: Names<Client>,
  phoneNumber: string,
): Promise<void> {
  const keySyncService = new KeySyncService(supabase)
  await keySyncService.initialize()
  // Restore keys on new device
  const result = await keySyncService.restoreKeys(
    phoneNumber,
    PIN,
    await EncryptedKeyBackup.generateDeviceFingerprint(),
  )
  if (result.success) {
    // Apply restored keys to local storage
    await keyManager.importUserKeys(result.identityKeys)
    for (const [convId, key] of Object.entries(result.conversationKeys)) {
      await keyManager.storeConversationKey(convId, key)
    }
  }
  expect(result.success).toBe(true)
}
