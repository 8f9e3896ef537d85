/** Fingerprint readers and the like, by the browser's debugging protocol. */
import type { CDPSession, Page } from 'playwright-core'

export interface Authenticator {
  readonly session: CDPSession
  readonly id: string
  remove(): Promise<void>
  /** From now on it waits for a person who never comes. */
  wait(): Promise<void>
}

/** Gives a page one that says yes, with verification of its user and PRF unless told. */
export async function addAuthenticator(
  page: Page,
  {
    hasPrf = true,
    isUserVerified = true,
  }: { readonly hasPrf?: boolean; readonly isUserVerified?: boolean } = {},
): Promise<Authenticator> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId: id } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      automaticPresenceSimulation: true,
      hasPrf,
      isUserVerified,
    },
  })
  return {
    session,
    id,
    remove: async () => {
      await session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: id })
    },
    wait: async () => {
      await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: id, enabled: false })
    },
  }
}
