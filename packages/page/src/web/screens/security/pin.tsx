/** Another PIN, or a new lock under the same one. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { NewPin } from '../../components/new-pin.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { Card, Notice } from '../../components/parts.tsx'
import { useAwaited } from '../../components/together.tsx'
import { useWork } from '../../components/use-work.ts'
import { changePin, isUnfinished } from '../../device/unfinished.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function Pin({ device, ways }: ScreenInput): ReactNode {
  const { cancel, security: words, unfinished } = useTexts()
  const [changing, setChanging] = useState(false)
  const [unsure, setUnsure] = useState<boolean>()
  useAwaited(unsure === undefined)
  const [said, setSaid] = useState<string>()
  const work = useWork()
  const { onFault } = ways
  const change = (pin: string): void => {
    work.run(async () => {
      const { status } = await changePin(device, pin)
      if (status === 'pin-changed') setSaid(words.pinChanged)
      setUnsure(false)
      setChanging(false)
    }, ways.onFault)
  }
  useEffect(() => {
    void isUnfinished(device.vault, 'pin-change').then(setUnsure, (fault: unknown) => {
      onFault(fault)
      setUnsure(false)
    })
  }, [device, onFault])
  const rotate = async (): Promise<void> => {
    const { status } = await device.sync.rotate()
    if (status === 'rotated') setSaid(words.rotated)
  }
  return (
    <Card title={words.pin}>
      <p>{words.pinLead}</p>
      {unsure === true && (
        <Notice tone="bad">
          <strong>{unfinished.pinTitle}</strong> {unfinished.pin}
        </Notice>
      )}
      {said !== undefined && <Notice tone="good">{said}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      {changing ? (
        <>
          <NewPin phone={device.sync.phone} go={words.changePin} busy={work.busy} onPin={change} />
          <Button
            className="quiet"
            isDisabled={work.busy}
            onPress={() => {
              setChanging(false)
            }}
          >
            {cancel}
          </Button>
        </>
      ) : (
        <p className="actions">
          <Button
            className="secondary"
            onPress={() => {
              setChanging(true)
            }}
          >
            {words.changePin}
          </Button>
          <Button
            className="quiet"
            isPending={work.busy}
            onPress={() => {
              work.run(rotate, ways.onFault)
            }}
          >
            {words.rotate}
          </Button>
        </p>
      )}
      <p className="hint">{words.rotateLead}</p>
    </Card>
  )
}
