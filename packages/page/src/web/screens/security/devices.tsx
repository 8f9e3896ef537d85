/** The account's devices, with another name or without one of them. */
import type { SyncDevice } from 'keyhaven/sync'
import { useCallback, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Confirm } from '../../components/confirm.tsx'
import { Card, Field, Form, Question } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useList } from '../../components/use-list.ts'
import { useWork } from '../../components/use-work.ts'
import type { Device } from '../../device/device.ts'
import { sayTime, useTexts } from '../../texts/use-texts.ts'

export function Devices({ device, ways }: ScreenInput): ReactNode {
  const { security: words } = useTexts()
  const [devices, look] = useList(
    useCallback(() => device.sync.listDevices(), [device]),
    ways.onFault,
  )
  const [asked, setAsked] = useState<{ readonly what: 'rename' | 'remove'; readonly which: SyncDevice }>()
  const close = (): void => {
    setAsked(undefined)
    look()
  }
  return (
    <Card title={words.devices}>
      <ul className="devices">
        {devices.map((one) => (
          <li key={one.id}>
            <strong>{one.label}</strong>
            <small>
              {one.current
                ? words.thisDevice
                : one.lastUsed === undefined
                  ? words.signedOut
                  : words.lastUsed(sayTime(one.lastUsed))}
              {' · '}
              {one.opensBackup === true ? words.opens : one.signedIn ? words.opensNot : words.signedOut}
            </small>
            <span className="actions">
              <Button
                className="quiet"
                aria-label={`${words.rename}: ${one.label}`}
                onPress={() => {
                  setAsked({ what: 'rename', which: one })
                }}
              >
                {words.rename}
              </Button>
              {!one.current && (
                <Button
                  className="quiet"
                  aria-label={`${words.remove}: ${one.label}`}
                  onPress={() => {
                    setAsked({ what: 'remove', which: one })
                  }}
                >
                  {words.remove}
                </Button>
              )}
            </span>
          </li>
        ))}
      </ul>
      {asked?.what === 'rename' && <Rename device={device} which={asked.which} onClose={close} />}
      {asked?.what === 'remove' && <Remove device={device} which={asked.which} onClose={close} />}
    </Card>
  )
}

interface AboutDevice {
  readonly device: Device
  readonly which: SyncDevice
  readonly onClose: () => void
}

function Rename({ device, which, onClose }: AboutDevice): ReactNode {
  const texts = useTexts()
  const [label, setLabel] = useState(which.label)
  const work = useWork()
  const rename = async (): Promise<void> => {
    await device.sync.renameDevice({ id: which.id, label })
    onClose()
  }
  return (
    <Question title={texts.security.renameTitle} onClose={onClose}>
      <Form
        onSubmit={() => {
          work.run(rename)
        }}
        go={texts.save}
        busy={work.busy}
      >
        <Field label={texts.security.name} value={label} onChange={setLabel} error={work.error} />
      </Form>
    </Question>
  )
}

function Remove({ device, which, onClose }: AboutDevice): ReactNode {
  const { security: words } = useTexts()
  const remove = async (): Promise<void> => {
    await device.sync.removeDevice({ id: which.id })
    onClose()
  }
  return (
    <Confirm
      title={words.removeTitle(which.label)}
      lead={words.removeLead}
      go={words.removeYes}
      onGo={remove}
      onClose={onClose}
    />
  )
}
