/** Who came in without the PIN may have forgotten it. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { NewPin } from '../../components/new-pin.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { Card, Notice } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'
import { changePin } from '../../device/unfinished.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function NewPinAfter({ device, ways }: ScreenInput): ReactNode {
  const { security, without: words } = useTexts()
  const [at, setAt] = useState<'asking' | 'choosing' | 'changed'>('asking')
  const work = useWork()
  const change = (pin: string): void => {
    work.run(async () => {
      await changePin(device, pin)
      setAt('changed')
    }, ways.onFault)
  }
  if (at === 'changed') return <Notice tone="good">{security.pinChanged}</Notice>
  return (
    <Card title={words.forgotten}>
      <p>{words.forgottenLead}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {at === 'choosing' ? (
        <NewPin phone={device.sync.phone} go={words.newPin} busy={work.busy} onPin={change} />
      ) : (
        <Button
          className="secondary"
          onPress={() => {
            setAt('choosing')
          }}
        >
          {words.newPin}
        </Button>
      )}
    </Card>
  )
}
