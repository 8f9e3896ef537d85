/** What to show beside a password field: how good the password is, and how long opening will take here. */
export { estimatePassword, ratePassword } from './protection/password-strength.ts'
export type { PasswordEstimate, PasswordRating } from './protection/password-strength.ts'
export { checkArgon2id } from './protection/password-stretching.ts'
