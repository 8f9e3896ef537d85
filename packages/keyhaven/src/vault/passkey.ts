/** Passkeys as protections of a vault: pages only. */
export { checkPasskeys, passkeyProtection } from './protection/passkey.ts'
export type { PasskeyOptions } from './protection/passkey.ts'
