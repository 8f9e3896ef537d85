/**
 * An invitation that the page was opened by. Its code leaves the address at once, and waits in this tab until the person has
 * signed in and set up: a reload on the way loses nothing, and closing the tab leaves nothing.
 */
import { replaceRoute } from './use-route.ts'

const NAME = 'invitation'

/** Takes the code out of an address such as `#/join/CODE`. */
export function takeInvitation(): void {
  const [, code] = /^#\/join\/([\w-]+)$/.exec(location.hash) ?? []
  if (code === undefined) return
  sessionStorage.setItem(NAME, code)
  replaceRoute('join')
}

export function readInvitation(): string | undefined {
  return sessionStorage.getItem(NAME) ?? undefined
}

export function dropInvitation(): void {
  sessionStorage.removeItem(NAME)
}
