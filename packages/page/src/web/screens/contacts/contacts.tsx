/** The owner's side: who the trusted contacts are, others in their place, and none. */
import type { ContactRequest, TrustedContacts } from 'keyhaven/sync'
import { useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { ConfirmedButton } from '../../components/confirm.tsx'
import { Card, Notice, Title } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { explainFault } from '../../texts/explain-fault.ts'
import { useTexts } from '../../texts/use-texts.ts'
import { Choose } from './choose.tsx'
import { Requests } from './requests.tsx'

interface Found {
  readonly set: TrustedContacts | undefined
  readonly requests: readonly ContactRequest[]
}

export function Contacts({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const { contacts: words, security } = texts
  const [found, setFound] = useState<Found>()
  const [trouble, setTrouble] = useState<string>()
  const [said, setSaid] = useState<string>()
  const [choosing, setChoosing] = useState(false)
  const { onFault } = ways
  const look = useCallback(() => {
    void device.sync.contacts.list().then(setFound, (fault: unknown) => {
      if (!onFault(fault)) setTrouble(explainFault(fault, texts))
    })
  }, [device, onFault, texts])
  useEffect(look, [look])
  const changed = (text: string): void => {
    setSaid(text)
    setChoosing(false)
    look()
  }
  if (choosing)
    return (
      <Choose
        device={device}
        ways={ways}
        onSet={() => {
          changed(found?.set === undefined ? words.done : `${words.done} ${words.doneAnew}`)
        }}
        onBack={() => {
          setChoosing(false)
        }}
      />
    )
  return (
    <>
      <a className="back" href="#/security">
        <span aria-hidden="true">‹ </span>
        {security.title}
      </a>
      <Title>{words.title}</Title>
      <p className="lead">{words.lead}</p>
      {trouble !== undefined && <Notice tone="bad">{trouble}</Notice>}
      {said !== undefined && <Notice tone="good">{said}</Notice>}
      {found !== undefined && (
        <>
          <Requests device={device} ways={ways} requests={found.requests} onStopped={changed} />
          <Members
            device={device}
            ways={ways}
            set={found.set}
            onChoose={() => {
              setSaid(undefined)
              setChoosing(true)
            }}
            onRemoved={changed}
          />
        </>
      )}
      <Card title={words.terms}>
        <ol className="steps">
          {words.how.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </Card>
    </>
  )
}

function Members({
  device,
  ways,
  set,
  onChoose,
  onRemoved,
}: ScreenInput &
  Pick<Found, 'set'> & {
    readonly onChoose: () => void
    readonly onRemoved: (said: string) => void
  }): ReactNode {
  const { contacts: words } = useTexts()
  return (
    <Card title={words.members}>
      {set === undefined ? (
        <p className="empty">{words.none}</p>
      ) : (
        <>
          <ul className="devices">
            {set.members.map(({ accountId, name, present }) => (
              <li key={accountId}>
                <strong>
                  <bdi>{name}</bdi>
                </strong>
                {!present && <small>{words.gone}</small>}
              </li>
            ))}
          </ul>
          <p>{words.need(set.threshold, set.members.length)}</p>
        </>
      )}
      <p className="actions">
        <Button className="secondary" onPress={onChoose}>
          {set === undefined ? words.choose : words.chooseAnew}
        </Button>
        {set !== undefined && (
          <ConfirmedButton
            className="danger quietly"
            label={words.remove}
            title={words.removeTitle}
            lead={words.removeLead}
            go={words.removeYes}
            onGo={async () => {
              await device.sync.contacts.remove()
              onRemoved(words.removed)
            }}
            onFault={ways.onFault}
          />
        )}
      </p>
    </Card>
  )
}
