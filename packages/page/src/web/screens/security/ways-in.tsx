/** Everything that opens the backup; recovery codes, kits and passkeys are added and removed here. */
import { isKeyhavenError } from 'keyhaven'
import type { ListedWay } from 'keyhaven/sync'
import { useCallback, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Confirm } from '../../components/confirm.tsx'
import { Card, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { goTo } from '../../components/use-route.ts'
import { useList } from '../../components/use-list.ts'
import { useWork } from '../../components/use-work.ts'
import { labelByDay, sayLabel, useTexts } from '../../texts/use-texts.ts'

/** Those that have no call of their own to be replaced or removed by. */
const REMOVABLE: ReadonlySet<string> = new Set(['recovery-code', 'kit', 'passkey', 'contacts'])

export function WaysIn({ device, ways }: ScreenInput): ReactNode {
  const { waysIn: words } = useTexts()
  const [list, look] = useList(
    useCallback(() => device.sync.listWays(), [device]),
    ways.onFault,
  )
  const [asked, setAsked] = useState<ListedWay>()
  const close = (): void => {
    setAsked(undefined)
    look()
  }
  return (
    <Card title={words.title}>
      <p>{words.lead}</p>
      <ul className="devices">
        {list.map((way) => (
          <li key={way.id}>
            <strong>{nameOf(way, words.types, words.otherType)}</strong>
            <small>{describe(way, words)}</small>
            {REMOVABLE.has(way.type) && (
              <span className="actions">
                <Button
                  className="quiet"
                  aria-label={`${words.remove}: ${nameOf(way, words.types, words.otherType)}`}
                  onPress={() => {
                    setAsked(way)
                  }}
                >
                  {words.remove}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      <Add device={device} ways={ways} onAdded={look} />
      {asked !== undefined && <Remove device={device} ways={ways} way={asked} onClose={close} />}
    </Card>
  )
}

type Words = ReturnType<typeof useTexts>['waysIn']

function nameOf({ type }: ListedWay, types: Words['types'], other: string): string {
  return types[type] ?? other
}

function describe({ type, label, thisDevice }: ListedWay, words: Words): string {
  if (type === 'pin') return words.pinStays
  if (type === 'contacts') return ''
  if (type !== 'device') return sayLabel(label)
  return thisDevice ? `${label} · ${words.thisDevice}` : label
}

function Add({ device, ways, onAdded }: ScreenInput & { readonly onAdded: () => void }): ReactNode {
  const { contacts, product, spare, waysIn: words, without } = useTexts()
  const [said, setSaid] = useState<{ readonly tone: 'good' | 'bad'; readonly text: string }>()
  const work = useWork()
  const addPasskey = async (): Promise<void> => {
    const added = await device.sync.addPasskey({
      userName: device.sync.phone,
      siteName: product,
      label: labelByDay(),
    })
    if (added.status === 'no-backup') ways.signedIn(device)
    else if (added.status === 'cancelled') setSaid({ tone: 'bad', text: without.passkeyCancelled })
    else setSaid({ tone: 'good', text: words.passkeyMade })
    onAdded()
  }
  return (
    <>
      {said !== undefined && <Notice tone={said.tone}>{said.text}</Notice>}
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <p className="actions">
        {(['device', 'recovery-code', 'kit', 'contacts'] as const).map((screen) => (
          <Button
            key={screen}
            className="secondary"
            onPress={() => {
              goTo(`security/${screen}`)
            }}
          >
            {
              {
                device: words.addDevice,
                'recovery-code': spare.code,
                kit: spare.kit,
                contacts: contacts.title,
              }[screen]
            }
          </Button>
        ))}
        <Button
          className="secondary"
          isPending={work.busy}
          onPress={() => {
            setSaid(undefined)
            work.run(addPasskey, (fault) => {
              if (!isKeyhavenError(fault, 'ERR_PASSKEY_UNAVAILABLE')) return ways.onFault(fault)
              setSaid({ tone: 'bad', text: words.noPasskey })
              return true
            })
          }}
        >
          {words.addPasskey}
        </Button>
      </p>
    </>
  )
}

function Remove({
  device,
  ways,
  way,
  onClose,
}: ScreenInput & { readonly way: ListedWay; readonly onClose: () => void }): ReactNode {
  const { waysIn: words } = useTexts()
  const remove = async (): Promise<void> => {
    if (way.type === 'contacts') await device.sync.contacts.remove()
    else await device.sync.removeWay({ id: way.id })
    onClose()
  }
  return (
    <Confirm
      title={words.removeTitle(nameOf(way, words.types, words.otherType))}
      lead={words.removeLead}
      go={words.removeYes}
      onGo={remove}
      onClose={onClose}
      onFault={ways.onFault}
    />
  )
}
