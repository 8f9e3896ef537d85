/** Key sync as a page of an app calls it: the browser's own `fetch`, a vault in IndexedDB, realms of a configuration. */
import { isKeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, openSession, requestSignInCode, signIn } from 'keyhaven/sync'
import type { Session } from 'keyhaven/sync'
import {
  KEY_TYPES,
  browserDeviceProtection,
  createVault,
  indexedDbStorage,
  openVault,
  passwordProtection,
} from 'keyhaven/vault'
import type { Vault } from 'keyhaven/vault'

interface Start {
  readonly origin: string
  readonly realmId: string
  readonly phone: string
  /** The vault's. */
  readonly name: string
}
type Device = ReturnType<typeof createKeySync>

let vault: Vault | undefined
let device: Device | undefined
let accountId = ''
let requestId = ''

/** The status, or the code of a fault, with a passkey's reason. */
async function outcomeOf(work: Promise<{ readonly status: string }>): Promise<string> {
  try {
    return (await work).status
  } catch (fault) {
    if (!isKeyhavenError(fault)) throw fault
    const reason = isKeyhavenError(fault, 'ERR_PASSKEY_UNAVAILABLE') ? ` ${fault.details.reason}` : ''
    return fault.code + reason
  }
}

function joined(): Device {
  if (device === undefined) throw new Error('nobody is signed in')
  return device
}

function placeOf({ name }: Start): Parameters<typeof openVault>[0] {
  return { name, storage: indexedDbStorage(), protections: [browserDeviceProtection()] }
}

/** Goes on as the device of this session. */
function use({ origin, realmId }: Start, session: Session): void {
  const configuration = parseConfiguration(
    {
      realms: [{ id: realmId, address: `${origin}/realm/` }],
      register_threshold: 1,
      recover_threshold: 1,
      pin_hashing_mode: 'Standard2019',
    },
    {},
  )
  ;({ accountId } = session)
  device = createKeySync({ transport: httpTransport({ session }), vault: opened(), configuration })
}

async function signWithNostrKey(): Promise<{ readonly status: string }> {
  const bytes = new Uint8Array(32).fill(1)
  await opened().put('nostr', { type: KEY_TYPES.nostr, bytes })
  await opened().use('nostr', 'schnorr-sign', { message: new Uint8Array(32) })
  return { status: 'signed' }
}

async function addPasswordToVault(): Promise<{ readonly status: string }> {
  await opened().addProtection(passwordProtection({ password: 'seven quiet herons 41' }))
  return { status: 'added' }
}

function opened(): Vault {
  if (vault === undefined) throw new Error('there is no vault')
  return vault
}

const steps = {
  askCode: async ({ origin, phone }: Start): Promise<void> => {
    requestId = (await requestSignInCode({ origin, phone })).requestId
  },
  enterCode: async (start: Start, code: string): Promise<void> => {
    const { origin, phone } = start
    vault = await createVault(placeOf(start))
    use(start, await signIn({ origin, phone, requestId, code, vault, deviceLabel: 'browser' }))
  },
  /** What a page does that is loaded anew. */
  resume: async (start: Start): Promise<void> => {
    vault = await openVault(placeOf(start))
    const session = await openSession({ vault })
    if (session === undefined) throw new Error('nobody is signed in')
    use(start, session)
  },
  addKey: (conversation: string, key: number[]) =>
    joined().keys.importKeys({
      identityKeys: {},
      conversationKeys: { [conversation]: new Uint8Array(key) },
    }),
  backup: (pin: string): Promise<string> => outcomeOf(joined().backup({ pin })),
  restore: (pin: string): Promise<string> => outcomeOf(joined().restore({ pin })),
  sign: () => outcomeOf(signWithNostrKey()),
  addPassword: () => outcomeOf(addPasswordToVault()),
  account: () => Promise.resolve(accountId),
  addPasskey: () => outcomeOf(joined().addPasskey({ userName: 'anna@example' })),
  restoreWithPasskey: () => outcomeOf(joined().restoreWithPasskey()),
  removePasskeys: async (): Promise<string[]> => {
    const passkeys = (await joined().listWays()).filter(({ type }) => type === 'passkey')
    return Promise.all(passkeys.map(async ({ id }) => (await joined().removeWay({ id })).status))
  },
  /** Restores, and tells what the authenticator is asked about: the PRF's input, in hex, and how many passkeys by name. */
  watchedPasskey: async (): Promise<{
    readonly inputs: string[]
    readonly named: number[]
    readonly outcome: string
  }> => {
    const real = navigator.credentials.get.bind(navigator.credentials)
    const inputs: string[] = []
    const named: number[] = []
    navigator.credentials.get = (options) => {
      const { publicKey } = options ?? {}
      if (publicKey?.userVerification !== 'required') throw new Error('nobody is verified')
      inputs.push(toHex(publicKey.extensions?.prf?.eval?.first as Uint8Array))
      named.push(publicKey.allowCredentials?.length ?? 0)
      return real(options)
    }
    const outcome = await outcomeOf(joined().restoreWithPasskey())
    navigator.credentials.get = real
    return { inputs, named, outcome }
  },
  key: async (conversation: string): Promise<number[]> => {
    const found = await joined().keys.exportKeys()
    return [...(found.conversationKeys[conversation] ?? [])]
  },
}

export type Steps = typeof steps

Object.assign(globalThis, { steps })
