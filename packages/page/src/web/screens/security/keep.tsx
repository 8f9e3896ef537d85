/** How this device keeps the keys now, and another way. */
import type { Vault } from 'keyhaven/vault'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Keeping } from '../../components/keeping.tsx'
import { Card } from '../../components/parts.tsx'
import { readKeeping } from '../../device/device.ts'
import type { Keeping as Way } from '../../device/device.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function Keep({ vault }: { readonly vault: Vault }): ReactNode {
  const { cancel, keep, loading, save, security: words } = useTexts()
  const [now, setNow] = useState<Way>()
  const [changing, setChanging] = useState(false)
  useEffect(() => {
    if (!changing) void readKeeping(vault).then(setNow)
  }, [vault, changing])
  if (changing) {
    return (
      <Card title={words.keep}>
        <Keeping
          vault={vault}
          go={save}
          onKept={() => {
            setChanging(false)
          }}
        />
        <Button
          className="quiet"
          onPress={() => {
            setChanging(false)
          }}
        >
          {cancel}
        </Button>
      </Card>
    )
  }
  return (
    <Card title={words.keep}>
      <p>{now === undefined ? loading : `${keep[now]}.`}</p>
      <Button
        className="quiet"
        onPress={() => {
          setChanging(true)
        }}
      >
        {words.keepChange}
      </Button>
    </Card>
  )
}
