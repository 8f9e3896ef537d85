/** Devices, PIN, who guards it, what happened, the person's data. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Keeping } from '../components/keeping.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { Card, Title } from '../components/parts.tsx'
import { useTexts } from '../texts/use-texts.ts'
import { Alerts, History } from './history.tsx'
import { Devices } from './security/devices.tsx'
import { Pin } from './security/pin.tsx'
import { DeleteEverything, ExportEverything } from './your-data.tsx'

export function Security({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const { security: words } = texts
  const [keeping, setKeeping] = useState(false)
  return (
    <>
      <Title>{words.title}</Title>
      <Alerts device={device} ways={ways} />
      <Devices device={device} ways={ways} />
      <Pin device={device} ways={ways} />
      {!device.inMemory && (
        <Card title={words.keep}>
          {keeping ? (
            <Keeping
              vault={device.vault}
              go={texts.save}
              onKept={() => {
                setKeeping(false)
              }}
            />
          ) : (
            <Button
              className="quiet"
              onPress={() => {
                setKeeping(true)
              }}
            >
              {words.keepChange}
            </Button>
          )}
        </Card>
      )}
      <Card title={words.realms}>
        <p>{words.realmsLead}</p>
      </Card>
      <History device={device} ways={ways} />
      <Card title={words.data}>
        <ExportEverything device={device} ways={ways} />
        <DeleteEverything device={device} ways={ways} />
      </Card>
    </>
  )
}
