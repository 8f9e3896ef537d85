/** Key sync as a page of an app calls it: the browser's own `fetch`, a vault in IndexedDB, realms of a configuration. */
import { isKeyhavenError } from 'keyhaven'
import { toHex } from 'keyhaven/crypto'
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, requestSignInCode, signIn } from 'keyhaven/sync'
import { browserDeviceProtection, createVault, indexedDbStorage } from 'keyhaven/vault'

interface Start {
  readonly origin: string
  readonly realmId: string
  readonly phone: string
  /** The vault's. */
  readonly name: string
}
type Device = ReturnType<typeof createKeySync>

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

const steps = {
  askCode: async ({ origin, phone }: Start): Promise<void> => {
    requestId = (await requestSignInCode({ origin, phone })).requestId
  },
  enterCode: async ({ origin, realmId, phone, name }: Start, code: string): Promise<void> => {
    const vault = await createVault({
      name,
      storage: indexedDbStorage(),
      protections: [browserDeviceProtection()],
    })
    const session = await signIn({ origin, phone, requestId, code, vault, deviceLabel: 'browser' })
    ;({ accountId } = session)
    const configuration = parseConfiguration(
      {
        realms: [{ id: realmId, address: `${origin}/realm/` }],
        register_threshold: 1,
        recover_threshold: 1,
        pin_hashing_mode: 'Standard2019',
      },
      {},
    )
    device = createKeySync({ transport: httpTransport({ session }), vault, configuration })
  },
  addKey: (conversation: string, key: number[]) =>
    joined().keys.importKeys({
      identityKeys: {},
      conversationKeys: { [conversation]: new Uint8Array(key) },
    }),
  backup: async (pin: string): Promise<string> => (await joined().backup({ pin })).status,
  restore: async (pin: string): Promise<string> => (await joined().restore({ pin })).status,
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
