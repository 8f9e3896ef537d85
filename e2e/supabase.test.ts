/**
 * Key sync over the real supabase-js, against the stand-in for a Supabase project (testing/supabase.ts) over real PostgreSQL,
 * and a real realm that knows the Edge Function's public key alone.
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { beforeAll, describe, expect, test } from 'vitest'
import { randomBytes, toBase64, toHex } from 'keyhaven/crypto'
import { generateIdentity } from 'keyhaven/identity'
import type { Configuration } from 'keyhaven/recovery'
import { migrateQryptChat } from 'keyhaven/legacy/qryptchat'
import { createKeySync } from 'keyhaven/sync'
import type { KeySync } from 'keyhaven/sync'
import { createCompat } from 'keyhaven/sync/compat'
import type { Compat } from 'keyhaven/sync/compat'
import { supabaseTransport } from 'keyhaven/sync/supabase'
import { exportSamples } from '../packages/keyhaven/src/legacy/testing/qryptchat-samples.ts'
import { randomPhone } from '../packages/server/src/testing/app.ts'
import { forEachCut } from './testing/cuts.ts'
import { PIN, OTHER_PIN, newVault } from './testing/people.ts'
import { changePinCutOff, openSupabasePlace } from './testing/supabase-people.ts'
import type { Device, SupabasePlace } from './testing/supabase-people.ts'
import { runPublishedCode } from './testing/qryptchat-code.ts'
import { factsOf, rowsOf } from './testing/supabase-facts.ts'
import type { SupabaseProject } from './testing/supabase.ts'

let project: SupabaseProject
let configuration: Configuration
/** A backup with two devices, of which tests that share it change nothing. */
let shared: readonly [Device, Device]

let place: SupabasePlace

beforeAll(async () => {
  place = await openSupabasePlace()
  ;({ project, configuration } = place)
  shared = await place.newPair()
})

const newDevice: SupabasePlace['newDevice'] = (...input) => place.newDevice(...input)
const newPair: SupabasePlace['newPair'] = () => place.newPair()

const addKey = ({ sync }: Device): Promise<unknown> =>
  sync.keys.addConversationKey(crypto.randomUUID(), randomBytes(32))

describe('a Supabase project', () => {
  test('keeps a backup that a second device restores with phone and PIN, and no other PIN', async () => {
    const [first, second] = shared
    expect(await second.sync.keys.exportKeys()).toEqual(await first.sync.keys.exportKeys())
    expect(await second.sync.verifyBackup({ pin: OTHER_PIN })).toMatchObject({ status: 'wrong-pin' })
    const stored = await first.client.from('encrypted_key_backups').select()
    expect(stored.data).toMatchObject([
      { phone_number: null, salt: null, iterations: null, key_version: 1, serial: 2 },
    ])
  })

  test('brings devices that write at once to the same keys', async () => {
    const [first, second] = await newPair()
    for (let round = 0; round < 2; round += 1) {
      await Promise.all([first, second].map(addKey))
      await Promise.all([first, second].map(({ sync }) => sync.sync()))
    }
    await first.sync.sync()
    await second.sync.sync()
    await first.sync.sync()
    const keys = await first.sync.keys.exportKeys()
    expect(Object.keys(keys.conversationKeys)).toHaveLength(5)
    expect(await second.sync.keys.exportKeys()).toEqual(keys)
    expect(await first.sync.verifyBackup({ pin: PIN })).toMatchObject({ status: 'whole' })
  })

  test('changes the PIN, rotates, and removes a device, whose session is answered nothing any more', async () => {
    const [first, second] = await newPair()
    await second.sync.getNotices()
    expect(await first.sync.changePin({ pin: OTHER_PIN })).toMatchObject({ status: 'pin-changed' })
    expect((await second.sync.getNotices()).notices).toMatchObject([{ kind: 'pin-changed' }])
    expect(await second.sync.rotate({})).toMatchObject({ status: 'rotated' })
    await addKey(second)
    expect(await second.sync.sync()).toMatchObject({ status: 'synced' })
    expect((await first.sync.listDevices()).map(({ label }) => label).sort()).toEqual(['Laptop', 'Phone'])
    expect(await first.sync.removeDevice({ id: second.deviceId })).toMatchObject({ status: 'removed' })
    await expect(second.sync.sync()).rejects.toMatchObject({ code: 'ERR_DEVICE_REMOVED' })
    const { code } = (await first.sync.addRecoveryCode()) as { readonly code: string }
    const third = await newDevice(first.sync.phone, 'Tablet')
    expect(await third.sync.restoreWithCode({ code })).toMatchObject({ status: 'restored' })
    expect(await third.sync.exportEverything()).toMatchObject({ server: 'supabase' })
    const again = await newDevice(first.sync.phone, 'New')
    expect(await again.sync.restore({ pin: PIN })).toMatchObject({ status: 'wrong-pin' })
    expect(await again.sync.restore({ pin: OTHER_PIN })).toMatchObject({ status: 'restored' })
  })

  test('deletes a backup by its key at once, and without it after the wait, which its key ends', async () => {
    const [first, second] = await newPair()
    const thief = await newDevice(first.sync.phone, 'Thief')
    expect(await thief.sync.deleteBackup()).toMatchObject({ status: 'waiting' })
    expect(await first.sync.keepBackup()).toEqual({ status: 'kept' })
    expect(await first.sync.deleteBackup()).toMatchObject({ status: 'deleted' })
    expect(await second.sync.status()).toMatchObject({ hasBackup: false })
    expect(await second.sync.deleteAccount()).toMatchObject({ status: 'account-deleted' })
  })

  test('deletes a backup without its key when the wait is over, and its devices are told', async () => {
    const [first] = await newPair()
    const thief = await newDevice(first.sync.phone, 'Thief')
    expect(await thief.sync.deleteBackup()).toMatchObject({ status: 'waiting' })
    await project.database.asSuperuser(
      `UPDATE keyhaven.removal_requests SET due_at = now() WHERE device_id = '\\x${thief.deviceId}'`,
    )
    // The realm's own wait goes on.
    expect(await thief.sync.deleteBackup()).toEqual({ status: 'deleted', remainsOn: [place.realmId] })
    await expect(first.sync.sync()).rejects.toMatchObject({ code: 'ERR_BACKUP_REMOVED' })
    expect(Object.keys((await first.sync.keys.exportKeys()).conversationKeys)).toHaveLength(1)
  })

  test('links a new device by the code that the old one reads, and has no way to change the number', async () => {
    const [first] = shared
    const fresh = await newDevice(first.sync.phone, 'Linked')
    const confirm = (): Promise<boolean> => Promise.resolve(true)
    let accepted: Promise<unknown> = Promise.resolve()
    const onCode = (code: string): void => {
      accepted = first.sync.acceptLink({ code, confirm, pollMs: 20 })
    }
    expect(await fresh.sync.offerLink({ onCode, confirm, pollMs: 20 })).toMatchObject({ status: 'restored' })
    expect(await accepted).toMatchObject({ status: 'linked' })
    expect(await fresh.sync.keys.exportKeys()).toEqual(await first.sync.keys.exportKeys())
    const change = { phone: randomPhone(), requestId: '00'.repeat(16), code: '000000' }
    await expect(first.sync.changePhone(change)).rejects.toMatchObject({
      code: 'ERR_SERVER_REFUSED',
      details: { rule: 'ERR_NOT_FOUND' },
    })
  })

  test('has no trusted contacts, and says so before anything is made', async () => {
    const [first] = shared
    const before = await first.sync.listWays()
    const people = await Promise.all(
      ['Bob', 'Carol'].map(async (name) => {
        const identity = (await generateIdentity()).publicIdentity
        return { accountId: crypto.randomUUID(), name, identity }
      }),
    )
    const { contacts } = first.sync
    for (const refused of [
      () => contacts.set({ contacts: people, threshold: 2, ownerName: 'Alice' }),
      () => contacts.list(),
      () => contacts.stop(),
      () => contacts.remove(),
      () => contacts.ask(),
      async () => contacts.asked({ identity: await generateIdentity() }),
    ])
      await expect(refused()).rejects.toMatchObject({
        code: 'ERR_SERVER_REFUSED',
        details: { rule: 'ERR_NOT_FOUND' },
      })
    expect(await first.sync.listWays()).toEqual(before)
  })

  test('lets one of two changes at a time through, and the other device goes on with it', async () => {
    const [first, second] = await newPair()
    const both = await Promise.allSettled([
      first.sync.changePin({ pin: OTHER_PIN }),
      second.sync.changePin({ pin: THIRD_PIN }),
    ])
    const codes = both.map((one) => (one.status === 'fulfilled' ? one.value.status : codeOf(one.reason)))
    expect(codes).toContain('pin-changed')
    for (const code of codes) expect(['pin-changed', ...BUSY]).toContain(code)
    await Promise.all([first, second].map(addKey))
    for (const device of [first, second, first]) await device.sync.sync()
    const fits: string[] = []
    for (const pin of [PIN, OTHER_PIN, THIRD_PIN]) {
      const { status } = await first.sync.verifyBackup({ pin })
      if (status === 'whole') fits.push(pin)
    }
    expect(fits).toHaveLength(1)
    expect(await second.sync.keys.exportKeys()).toEqual(await first.sync.keys.exportKeys())
  })

  test('takes a change whose device is cut off after any answer as done or as not begun', async () => {
    const cuts = await forEachCut((calls) => changePinCutOff(place, calls), { from: 5, by: 6 })
    expect(cuts).toBeGreaterThan(8)
  })

  test('keeps an access log that devices verify, and notice when somebody rewrites it', async () => {
    const [first, second] = await newPair()
    const { events } = await first.sync.getAccessHistory({ limit: 200 })
    const types = new Set(events.map(({ type }) => type))
    for (const type of [
      'device_added',
      'backup_created',
      'keys_accessed',
      'realm_token_issued',
      'backup_updated',
    ])
      expect(types).toContain(type)
    expect(events.find(({ type }) => type === 'keys_restored')).toMatchObject({ code: 'REPORTED_BY_CLIENT' })
    await second.sync.getAccessHistory()
    await project.database.asSuperuser(
      'UPDATE public.key_access_log SET ip_address = NULL, ip_address_salt = NULL, user_agent = NULL, user_agent_salt = NULL',
    )
    expect((await second.sync.getAccessHistory({ limit: 1 })).events).toMatchObject([{ erased: true }])
    const me = (await first.client.auth.getSession()).data.session?.user.id
    await project.database.asSuperuser(
      `SET session_replication_role = replica; UPDATE public.key_access_log SET message = 'Nothing.' WHERE user_id = '${me ?? ''}' AND access_type = 'backup_created'`,
    )
    const third = await newDevice(first.sync.phone, 'Third')
    await expect(third.sync.getAccessHistory({ limit: 200 })).rejects.toMatchObject({
      code: 'ERR_ACCESS_LOG_ALTERED',
    })
  })
})

test('the code that QryptChat published runs as it is written, over supabase-js', async () => {
  const phoneNumber = randomPhone()
  await runPublishedCode(() => openQryptChat(phoneNumber), phoneNumber)
  const { KeySyncService } = await openQryptChat(phoneNumber)
  const nobody = new KeySyncService(project.newClient())
  await expect(nobody.initialize()).rejects.toMatchObject({ code: 'ERR_SIGNED_OUT' })
})

test('keys that a browser had from QryptChat alone are backed up, and are on the next device', async () => {
  const [{ keys1024 }] = exportSamples
  const key = base64(32)
  const stored = new Map([
    ['theme', 'dark'],
    ['qryptchat_pq_keypair', JSON.stringify({ ...keys1024, timestamp: 1, version: '3.0' })],
    ['qryptchat_keys', JSON.stringify({ lobby: { conversationId: 'lobby', key, timestamp: 1 } })],
  ])
  const localStorage = {
    getItem: (name: string) => stored.get(name) ?? null,
    removeItem: (name: string) => void stored.delete(name),
  }
  const phone = randomPhone()
  const old = await newDevice(phone)
  const { keys } = old.sync
  expect(await migrateQryptChat({ localStorage, keys })).toMatchObject({ status: 'migrated', removed: false })
  expect(await old.sync.backup({ pin: PIN })).toMatchObject({ status: 'backed-up', created: true })
  expect(await migrateQryptChat({ localStorage, keys, removeOld: true })).toMatchObject({ removed: true })
  expect([...stored.keys()]).toEqual(['theme'])
  const next = await newDevice(phone, 'Next')
  expect(await next.sync.restore({ pin: PIN })).toMatchObject({ status: 'restored' })
  const restored = await next.sync.keys.exportKeys()
  expect(restored).toEqual(await keys.exportKeys())
  expect(toBase64(restored.conversationKeys['lobby'] ?? new Uint8Array())).toBe(key)
  const privateKey = restored.identityKeys['keys1024.privateKey'] ?? new Uint8Array()
  expect(toBase64(privateKey)).toBe(keys1024.privateKey)
})

const THIRD_PIN = '591738'
/** What the one that came second is told. */
const BUSY = ['ERR_POINTER_CONFLICT', 'ERR_SERVER_REFUSED']
const codeOf = (fault: unknown): string => (fault as { readonly code: string }).code

const base64 = (bytes: number): string => toBase64(randomBytes(bytes))

/** What an app's `$lib/crypto/key-sync-service.js` and `$lib/supabase.js` have, on a new device. */
async function openQryptChat(
  phone: string,
): Promise<Compat<SupabaseClient> & { readonly supabase: SupabaseClient }> {
  const vault = await newVault()
  const connect = async (client: SupabaseClient): Promise<KeySync> => {
    const transport = await supabaseTransport(client, { vault, deviceLabel: 'Browser' })
    return createKeySync({ transport, vault, configuration })
  }
  return { ...createCompat({ connect, vault }), supabase: await project.signIn(phone) }
}

describe('somebody with a session of the account and without the backup', () => {
  test('adds nothing and begins no change', async () => {
    const [first] = shared
    const thief = await newDevice(first.sync.phone, 'Thief')
    const state = await thief.client.rpc('keyhaven_pointer', { p_device: thief.deviceId })
    const { etag, pointer } = state.data as {
      readonly etag: string
      readonly pointer: { readonly realms: string[] }
    }
    const change = {
      p_device: thief.deviceId,
      p_expected_etag: etag,
      p_registration: toHex(randomBytes(16)),
      p_generation: 1,
      p_realms: pointer.realms,
    }
    for (const token of [null, toHex(randomBytes(32)), 'x', '']) {
      const begun = await thief.client.rpc('keyhaven_begin_change', { ...change, p_token: token })
      expect([begun.status, begun.error?.message]).toEqual([403, 'ERR_PROOF_REJECTED'])
      const slot = {
        p_way: toHex(randomBytes(16)),
        p_slot: Buffer.alloc(1168).toString('base64'),
        p_generation: 1,
      }
      const put = await thief.client.rpc('keyhaven_put_slot', {
        ...slot,
        p_device: thief.deviceId,
        p_registration: null,
        p_token: token,
      })
      expect(put.error?.message).toBe('ERR_PROOF_REJECTED')
      const removed = await thief.client.rpc('keyhaven_remove_device', {
        p_device: thief.deviceId,
        p_id: first.deviceId,
        p_token: token,
      })
      expect(removed.error?.message).toBe('ERR_PROOF_REJECTED')
    }
    // Nor as the device of somebody else.
    const as = await thief.client.rpc('keyhaven_pointer', { p_device: first.deviceId })
    expect([as.status, as.error?.message]).toEqual([401, 'ERR_SIGNED_OUT'])
  })

  test('or of another account, who calls every function with the owner’s ids, changes and learns nothing of the owner', async () => {
    const [owner, other] = shared
    const { given, secrets } = await factsOf(owner, other)
    const before = await rowsOf(project, owner)
    const functions = await project.database.asSuperuser<{ name: string; parameters: string[] }>(
      `SELECT proname AS name, proargnames AS parameters FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'keyhaven\\_%' ORDER BY proname <> 'keyhaven_enter', proname`,
    )
    expect(functions.length).toBe(24)
    // The owner's device id beside another person's session is a device of that person.
    for (const changed of [{}, { p_expected_etag: null }, { p_device: toHex(randomBytes(16)) }]) {
      const stranger = await project.signIn(randomPhone())
      for (const { name, parameters } of functions) {
        const all: Readonly<Record<string, unknown>> = { ...given, ...changed }
        const input = Object.fromEntries(parameters.map((one) => [one, all[one] ?? null]))
        const answered = await stranger.rpc(name, input)
        expect([name, answered.status]).not.toContain(500)
        for (const secret of secrets) expect(JSON.stringify(answered)).not.toContain(secret)
        expect((await project.newClient().rpc(name, input)).error?.code).toBe('42501')
      }
    }
    expect(await rowsOf(project, owner)).toEqual(before)
  })

  test('gets no realm token for a registration of another account', async () => {
    const [owner] = shared
    const other = await newDevice(randomPhone())
    const answered: { readonly data: unknown } = await owner.client.rpc('keyhaven_pointer', {
      p_device: owner.deviceId,
    })
    const { registration, realms } = (
      answered.data as { readonly pointer: { readonly registration: string; readonly realms: string[] } }
    ).pointer
    const body = { device: other.deviceId, registration, realmIds: realms }
    const asked = await other.client.functions.invoke('keyhaven-realm-tokens', { body })
    expect((asked.error as { readonly context: Response }).context.status).toBe(404)
    const signedOut = await project.newClient().functions.invoke('keyhaven-realm-tokens', { body })
    expect((signedOut.error as { readonly context: Response }).context.status).toBe(403)
  })
})

const PUBLIC = ['encrypted_key_backups', 'key_access_log', 'key_log_segments', 'key_devices'] as const

describe('tables and roles', () => {
  test('every table has row-level security enabled and forced, and a comment', async () => {
    const tables = await project.database.asSuperuser(
      `SELECT relname, relrowsecurity AND relforcerowsecurity AND obj_description(oid) IS NOT NULL AS kept FROM pg_class
        WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'keyhaven'::regnamespace)`,
    )
    expect(tables.length).toBe(15)
    expect(tables.filter(({ kept }) => kept !== true)).toEqual([])
  })

  test('every function has a fixed search_path, and nobody who is not signed in may call one', async () => {
    const loose = await project.database.asSuperuser(
      `SELECT proname FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'keyhaven'::regnamespace)
          AND (proconfig IS NULL OR NOT 'search_path=""' = ANY (proconfig) OR has_function_privilege('anon', oid, 'EXECUTE')
               OR (pronamespace = 'keyhaven'::regnamespace AND has_function_privilege('authenticated', oid, 'EXECUTE')))`,
    )
    expect(loose).toEqual([])
    const asked = await project
      .newClient()
      .rpc('keyhaven_enter', { p_device: toHex(randomBytes(16)), p_label: 'x' })
    expect(asked.error?.code).toBe('42501')
  })

  test.each(PUBLIC)('%s shows people their own rows and lets nobody write', async (table) => {
    const [owner] = shared
    const stranger = await newDevice(randomPhone())
    const me = (await owner.client.auth.getSession()).data.session?.user.id ?? ''
    const columns = table === 'key_log_segments' ? 'user_id,segment_id' : 'user_id'
    expect((await owner.client.from(table).select(columns).eq('user_id', me)).data?.length).toBeGreaterThan(0)
    expect((await stranger.client.from(table).select(columns).eq('user_id', me)).data).toEqual([])
    const anonymous = project.newClient()
    expect((await anonymous.from(table).select(columns)).error?.code).toBe('42501')
    for (const client of [owner.client, stranger.client, anonymous]) {
      expect((await client.from(table).insert({ user_id: me })).error?.code).toBe('42501')
      expect((await client.from(table).update({ user_id: me }).eq('user_id', me)).error?.code).toBe('42501')
      expect((await client.from(table).delete().eq('user_id', me)).error?.code).toBe('42501')
    }
  })

  test('the sealed segments, and what lies beside the public tables, are not read', async () => {
    const [owner] = shared
    const session = (await owner.client.auth.getSession()).data.session
    expect((await owner.client.from('key_log_segments').select('segment')).error?.code).toBe('42501')
    for (const role of ['anon', 'authenticated', 'service_role']) {
      const claims = { sub: session?.user.id }
      const tables = 'write_tokens slots sessions links logs access_heads removal_requests'
      for (const table of tables.split(' '))
        await expect(project.asRole(role, claims, `SELECT FROM keyhaven.${table}`)).rejects.toMatchObject({
          code: '42501',
        })
    }
  })

  test('rows of the access log are neither forged, edited nor deleted, by an administrator either', async () => {
    for (const statement of [
      `INSERT INTO public.key_access_log (user_id, access_type, success) SELECT user_id, 'x', true FROM public.key_devices`,
      `UPDATE public.key_access_log SET success = false`,
      `DELETE FROM public.key_access_log`,
      `TRUNCATE public.key_access_log`,
    ])
      await expect(project.asRole('service_role', {}, statement)).rejects.toMatchObject({ code: '42501' })
    for (const statement of [
      'UPDATE public.key_access_log SET message = $$x$$',
      'DELETE FROM public.key_access_log',
      'TRUNCATE public.key_access_log',
    ])
      await expect(project.database.asSuperuser(statement)).rejects.toThrow('neither changed nor deleted')
  })

  test('the stand-in refuses what PostgREST refuses', async () => {
    const { client } = await newDevice(randomPhone())
    expect((await client.rpc('keyhaven_nothing', {})).error?.code).toBe('PGRST202')
    expect((await client.rpc('keyhaven_pointer', { p_other: '' })).error?.code).toBe('PGRST202')
    expect((await client.from('key_devices').select('nothing')).error?.code).toBe('42703')
    expect((await client.from('nothing').select()).status).toBe(404)
    expect((await client.from('key_devices').delete()).error?.code).toBe('21000')
    const [login] = (await project.asRole(
      'authenticated',
      {},
      'SELECT session_user AS login, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user',
    )) as readonly object[]
    expect(login).toEqual({ login: 'authenticator', rolsuper: false, rolbypassrls: false })
  })
})
