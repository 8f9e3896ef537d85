/**
 * The test inbox: on one's own machine no text message is sent, and the page shows the code instead. Whoever reaches this
 * machine's loopback can read it, so it is only for trying things out.
 */
import type { CodeSender } from '@keyhaven/server'

/** So long a code is good; then it is forgotten here, too. */
const KEPT_MS = 5 * 60_000

export interface Inbox {
  /** Takes codes instead of a text message. */
  readonly send: CodeSender
  /** The last code for a number in E.164, while it is good. */
  codeFor(phone: string): string | undefined
}

export function openInbox(): Inbox {
  const codes = new Map<string, { readonly code: string; readonly at: number }>()
  const forgetOld = (): void => {
    for (const [phone, { at }] of codes) if (Date.now() - at > KEPT_MS) codes.delete(phone)
  }
  return {
    send: ({ phone, code }) => {
      forgetOld()
      codes.set(phone, { code, at: Date.now() })
      return Promise.resolve()
    },
    codeFor: (phone) => {
      forgetOld()
      return codes.get(phone)?.code
    },
  }
}
