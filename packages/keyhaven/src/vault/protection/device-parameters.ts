/**
 * The parameters of a device factor: one byte that says where the device key is kept.
 */
export const DEVICE_PROVIDERS = { file: 1, indexeddb: 2, keychain: 3 } as const

export type DeviceProvider = keyof typeof DEVICE_PROVIDERS

/** Whether these are the parameters of a device key that this provider keeps. */
export function isProvider(parameters: Uint8Array, provider: DeviceProvider): boolean {
  return parameters[0] === DEVICE_PROVIDERS[provider]
}
