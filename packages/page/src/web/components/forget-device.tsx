/** Takes everything away from a device whose keys are not at hand: it is locked, or signed out. */
import type { Vault } from 'keyhaven/vault'
import type { ReactNode } from 'react'
import type { Ways } from '../app.tsx'
import { useTexts } from '../texts/use-texts.ts'
import { ConfirmedButton } from './confirm.tsx'

export function ForgetDevice({ vault, ways }: { readonly vault: Vault; readonly ways: Ways }): ReactNode {
  const { locked: words } = useTexts()
  return (
    <ConfirmedButton
      className="quiet"
      label={words.forget}
      title={words.forget}
      lead={words.forgetLead}
      go={words.forgetYes}
      onGo={async () => {
        await vault.destroy()
        ways.left({ inMemory: false })
      }}
    />
  )
}
