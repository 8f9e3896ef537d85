/** Key sync as a page of an app calls it: the browser's own `fetch`, a vault in IndexedDB, realms of a configuration. */
import { parseConfiguration } from 'keyhaven/recovery'
import { createKeySync, httpTransport, requestSignInCode, signIn } from 'keyhaven/sync'
import { browserDeviceProtection, createVault, indexedDbStorage } from 'keyhaven/vault'

interface Start {
  readonly origin: string
  readonly realmId: string
  readonly phone: string
}
type Device = ReturnType<typeof createKeySync>

let device: Device | undefined
let requestId = ''

function joined(): Device {
  if (device === undefined) throw new Error('nobody is signed in')
  return device
}

const steps = {
  askCode: async ({ origin, phone }: Start): Promise<void> => {
    requestId = (await requestSignInCode({ origin, phone })).requestId
  },
  enterCode: async ({ origin, realmId, phone }: Start, code: string): Promise<void> => {
    const vault = await createVault({
      name: 'me',
      storage: indexedDbStorage(),
      protections: [browserDeviceProtection()],
    })
    const session = await signIn({ origin, phone, requestId, code, vault, deviceLabel: 'browser' })
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
  key: async (conversation: string): Promise<number[]> => {
    const found = await joined().keys.exportKeys()
    return [...(found.conversationKeys[conversation] ?? [])]
  },
}

export type Steps = typeof steps

Object.assign(globalThis, { steps })
