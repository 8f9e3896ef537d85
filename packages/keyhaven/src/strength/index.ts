/** What a secret that a person chooses is worth: the rules for new PINs, and estimates that say against whom. */
export { estimateGuessesLog10 } from './estimate-guesses.ts'
export { PIN_HASHES_PER_SECOND, estimatePin } from './estimate-pin.ts'
export type { PinEstimate } from './estimate-pin.ts'
export { PIN_REFUSALS, findPinRefusal, requireNewPin } from './pin-policy.ts'
export type { NewPin } from './pin-policy.ts'
export { normalizePin } from './pin-text.ts'
