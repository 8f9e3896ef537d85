/** Takes everything away from a device whose keys are not at hand: it is locked, or signed out. */
import type { Vault } from 'keyhaven/vault'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Ways } from '../app.tsx'
import { useTexts } from '../texts/use-texts.ts'
import { Confirm } from './confirm.tsx'

export function ForgetDevice({ vault, ways }: { readonly vault: Vault; readonly ways: Ways }): ReactNode {
  const { locked: words } = useTexts()
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Button
        className="quiet"
        onPress={() => {
          setAsking(true)
        }}
      >
        {words.forget}
      </Button>
      {asking && (
        <Confirm
          title={words.forget}
          lead={words.forgetLead}
          go={words.forgetYes}
          onGo={async () => {
            await vault.destroy()
            ways.left({ inMemory: false })
          }}
          onClose={() => {
            setAsking(false)
          }}
        />
      )}
    </>
  )
}
