/**
 * How a sign-in code reaches its phone. The server knows senders only by this interface.
 *
 * The console sender is for one's own machine: whoever reads the terminal can sign in as anybody, so the settings
 * allow it only on a loopback address.
 */
import { maskPhone } from './phone.ts'

/** Sends one code; a rejection is answered as `ERR_SENDER_UNAVAILABLE`, the same for every number. */
export type CodeSender = (message: { readonly phone: string; readonly code: string }) => Promise<void>

/** A sender that writes one line per code: `Keyhaven sign-in code for +1555…67: 123456`. */
export function createConsoleCodeSender(
  write: (line: string) => void = (line) => process.stdout.write(line),
): CodeSender {
  return ({ phone, code }) => {
    write(`Keyhaven sign-in code for ${maskPhone(phone)}: ${code}\n`)
    return Promise.resolve()
  }
}
