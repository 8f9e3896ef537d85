/** The system's keychain as a device protection in Node: only for apps that name it. */
export { keychainDeviceProtection } from './protection/device-keychain.ts'
