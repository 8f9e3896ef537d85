/**
 * A Supabase project that comes from QryptChat, with Keyhaven's tables and a realm that knows the Edge Function's public key
 * alone, and people on it.
 */
import type { SupabaseClient } from '@supabase/supabase-js'
import { expect } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import type { Configuration } from 'keyhaven/recovery'
import { createKeySync } from 'keyhaven/sync'
import type { KeySync } from 'keyhaven/sync'
import { supabaseTransport } from 'keyhaven/sync/supabase'
import type { RpcAnswer, SupabaseClientParts } from 'keyhaven/sync/supabase'
import { realmTokenHandler, realmTokenTenant } from 'keyhaven/sync/supabase/realm-tokens'
import type { Vault } from 'keyhaven/vault'
import { parseTenants } from '../../packages/server/src/settings/tenants.ts'
import { randomPhone, startTestApp } from '../../packages/server/src/testing/app.ts'
import { attempt } from './cuts.ts'
import { OTHER_PIN, PIN, makeKeys, newVault } from './people.ts'
import { openSupabase } from './supabase.ts'
import type { SupabaseProject } from './supabase.ts'

/** What a project that comes from QryptChat has: people write both tables themselves. */
const QRYPTCHAT = `
  CREATE TABLE public.encrypted_key_backups (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL UNIQUE REFERENCES auth.users ON DELETE CASCADE,
    phone_number text NOT NULL, encrypted_identity_keys bytea NOT NULL, encrypted_master_key bytea NOT NULL, salt bytea NOT NULL,
    iterations integer NOT NULL DEFAULT 100000, key_version integer NOT NULL DEFAULT 1, device_fingerprint text,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
  ALTER TABLE public.encrypted_key_backups ENABLE ROW LEVEL SECURITY;
  CREATE POLICY "everything" ON public.encrypted_key_backups FOR ALL USING (auth.uid() = user_id);
  CREATE TABLE public.key_access_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    device_fingerprint text, access_type text NOT NULL CHECK (access_type IN ('backup_created', 'keys_restored')),
    success boolean NOT NULL, error_message text, ip_address inet, user_agent text, created_at timestamptz DEFAULT now());
  CREATE POLICY "insert" ON public.key_access_log FOR INSERT WITH CHECK (auth.uid() = user_id);
`

export interface Device {
  readonly client: SupabaseClient
  readonly deviceId: string
  readonly sync: KeySync
  readonly vault: Vault
}

export interface SupabasePlace {
  readonly project: SupabaseProject
  readonly configuration: Configuration
  readonly realmId: string
  /** A device with a vault of its own, signed in. */
  newDevice(phone: string, label?: string): Promise<Device>
  /** A backup with two devices that have joined it. */
  newPair(): Promise<readonly [Device, Device]>
  /** Key sync of a device opened anew, through another client. */
  through(device: Device, client: SupabaseClientParts): Promise<KeySync>
}

/** Opens it for a test file, in `beforeAll`. */
export async function openSupabasePlace(): Promise<SupabasePlace> {
  const project = await openSupabase({ before: QRYPTCHAT })
  const seed = toHex(randomBytes(32))
  const realmId = randomBytes(16)
  const tenants = parseTenants(JSON.stringify(realmTokenTenant(seed)), 'KEYHAVEN_TENANTS', true)
  const realm = await startTestApp({ realmId, tenants, realmOnly: true, now: () => new Date() })
  project.functions.set(
    'keyhaven-realm-tokens',
    realmTokenHandler({ url: project.url, publishableKey: project.anonKey, seed }),
  )
  const configuration = parseConfiguration(
    {
      realms: [{ id: toHex(realmId), address: `${realm.origin}/realm/` }],
      register_threshold: 1,
      recover_threshold: 1,
      pin_hashing_mode: 'FastInsecure',
    },
    { insecureForTests: true },
  )
  const newDevice = async (phone: string, label = 'Phone'): Promise<Device> => {
    const vault = await newVault()
    const client = await project.signIn(phone)
    const transport = await supabaseTransport(client, { vault, deviceLabel: label })
    const sync = createKeySync({ transport, vault, configuration, snapshotAfterSegments: 2 })
    return { client, deviceId: transport.deviceId, sync, vault }
  }
  return {
    project,
    configuration,
    realmId: toHex(realmId),
    newDevice,
    newPair: async () => {
      const phone = randomPhone()
      const first = await newDevice(phone)
      await first.sync.keys.importKeys(makeKeys(1))
      expect(await first.sync.backup({ pin: PIN })).toMatchObject({ status: 'backed-up' })
      const second = await newDevice(phone, 'Laptop')
      expect(await second.sync.restore({ pin: PIN })).toMatchObject({ status: 'restored' })
      return [first, second]
    },
    through: async ({ vault }, client) => {
      const transport = await supabaseTransport(client, { vault, deviceLabel: 'Phone' })
      return createKeySync({ transport, vault, configuration })
    },
  }
}

/** Changes a PIN and is cut off after so many calls: one PIN opens all there is, on every device. False without a cut. */
export async function changePinCutOff(place: SupabasePlace, calls: number): Promise<boolean> {
  const [first, second] = await place.newPair()
  await first.sync.keys.addConversationKey(crypto.randomUUID(), randomBytes(32))
  const client = cutOff(first.client, calls)
  const changed = await attempt(async () =>
    (await place.through(first, client)).changePin({ pin: OTHER_PIN }),
  )
  const settled = await first.sync.sync()
  const generation = 'generation' in settled ? settled.generation : 0
  expect(generation === 2 || changed === undefined).toBe(true)
  const fresh = await place.newDevice(first.sync.phone, 'Fresh')
  const restored = await fresh.sync.restore({ pin: generation === 2 ? OTHER_PIN : PIN })
  expect([calls, restored]).toMatchObject([calls, { status: 'restored' }])
  expect(await second.sync.sync()).toMatchObject({ status: 'synced' })
  const keys = await first.sync.keys.exportKeys()
  expect(Object.keys(keys.conversationKeys)).toHaveLength(2)
  expect(await fresh.sync.keys.exportKeys()).toEqual(keys)
  expect(await second.sync.keys.exportKeys()).toEqual(keys)
  return client.isCut()
}

/** A client that is cut off: of so many calls of the database the last one's answer is lost, and later ones do not arrive. */
function cutOff(
  client: SupabaseClient,
  calls: number,
): SupabaseClientParts & { readonly isCut: () => boolean } {
  let made = 0
  const carry = async (
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<RpcAnswer> => {
    made += 1
    const answer: RpcAnswer = made > calls ? LOST : await client.rpc(name, input).abortSignal(signal)
    return made < calls ? answer : LOST
  }
  return {
    auth: client.auth,
    functions: client.functions,
    rpc: (name, input) => ({ abortSignal: (signal) => carry(name, input, signal) }),
    isCut: () => made >= calls,
  }
}

const LOST: RpcAnswer = { data: null, error: { message: 'cut' }, status: 0 }
