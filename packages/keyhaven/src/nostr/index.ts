/** Nostr keys in a vault: nsec, hex and NIP-49, public keys, signed events, and a NIP-07 provider. */
export { signEvent, verifyEvent } from './event.ts'
export type { EventTemplate, SignedEvent } from './event.ts'
export { NOSTR_RECORD, exportNostrKey, importNostrKey } from './keys.ts'
export type { NostrKeyText } from './keys.ts'
export { openNcryptsec, sealNcryptsec } from './ncryptsec.ts'
export type { KeySecurity } from './ncryptsec.ts'
export { createNostrProvider, installNostrProvider } from './provider.ts'
export type { NostrProvider, NostrRequest } from './provider.ts'
export {
  deriveNostrPublicKey,
  encodeNpub,
  encodeNsec,
  parseNpub,
  parseNsec,
  parseSecretKeyHex,
} from './text.ts'
