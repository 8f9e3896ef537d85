/** How a device keeps its keys. */
import { passwordProtection } from 'keyhaven/vault'
import type { Protection } from 'keyhaven/vault'
import { passkeyProtection } from 'keyhaven/vault/passkey'

export function withPassword(password: string): Protection {
  return passwordProtection({ password, requireAdvised: true })
}

export function passkey(): Protection {
  return passkeyProtection({ userName: 'Keyhaven', siteName: 'Keyhaven' })
}
