/** The ways in that are not on the screen just now. A passkey needs no screen of its own. */
import { isKeyhavenError } from 'keyhaven'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Card, Notice } from '../../components/parts.tsx'
import { goTo } from '../../components/use-route.ts'
import { useTexts } from '../../texts/use-texts.ts'
import type { RestoreInput } from '../restore.tsx'
import { useRestore } from './use-restore.ts'

/** The screens for restoring, by their routes. */
export const WAY_SCREENS = ['', 'link', 'recovery-code', 'kit', 'contacts', 'second'] as const

export function OtherWays(input: RestoreInput & { readonly at: (typeof WAY_SCREENS)[number] }): ReactNode {
  const { without: words } = useTexts()
  const [refused, setRefused] = useState<string>()
  const work = useRestore(input)
  const usePasskey = (): void => {
    setRefused(undefined)
    work.restore({
      by: () => input.device.sync.restoreWithPasskey(),
      onOther: ({ status }) => {
        setRefused(status === 'cancelled' ? words.passkeyCancelled : words.unknown)
      },
      onFault: (fault) => {
        if (!isKeyhavenError(fault, 'ERR_PASSKEY_UNAVAILABLE')) return false
        setRefused(words.noPasskey)
        return true
      },
    })
  }
  return (
    <Card title={words.title}>
      <ul className="ways">
        {WAY_SCREENS.filter((screen) => screen !== input.at).map((screen) => (
          <li key={screen}>
            <Button
              className="quiet"
              onPress={() => {
                goTo(screen)
              }}
            >
              {words.go[screen === '' ? 'pin' : screen]}
            </Button>
          </li>
        ))}
        <li>
          <Button className="quiet" isPending={work.busy} onPress={usePasskey}>
            {words.go.passkey}
          </Button>
        </li>
      </ul>
      {refused !== undefined && <Notice tone="bad">{refused}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </Card>
  )
}
