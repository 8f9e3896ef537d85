/** Identities that we make ourselves, what contacts pin of them, and conversation keys that are sealed to them. */
export { createContactPins } from './contact-pins.ts'
export type { ContactPin, ContactPins, PinCheck } from './contact-pins.ts'
export {
  generateConversationKey,
  narrowConversationKey,
  openConversationKey,
  readConversationKeyClaims,
  sealConversationKey,
} from './conversation-key.ts'
export type { ConversationKeyClaims, OpenedConversationKey } from './conversation-key.ts'
export {
  PRIVATE_IDENTITY_LENGTH,
  generateIdentity,
  parseIdentity,
  wipeIdentity,
  writeIdentity,
} from './identity.ts'
export type { Identity } from './identity.ts'
export { PUBLIC_IDENTITY_LENGTH, parsePublicIdentity } from './public-identity.ts'
export type { PublicIdentity } from './public-identity.ts'
export { deriveSafetyNumber } from './safety-number.ts'
export {
  deriveOldFingerprint,
  signIdentityUpgrade,
  signWithIdentity,
  verifyIdentityUpgrade,
} from './upgrade.ts'
export type { IdentityUpgrade, OldIdentity, Vouching } from './upgrade.ts'
