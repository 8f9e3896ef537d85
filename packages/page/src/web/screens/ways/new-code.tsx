/** A recovery code: made, shown this once in groups that can be read aloud, and two of them asked back. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../../components/screen-input.ts'
import { Field, Form, Notice, Title } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'
import { labelByDay, useTexts } from '../../texts/use-texts.ts'
import { Discard } from './discard.tsx'

interface Made {
  readonly wayId: string
  readonly groups: readonly string[]
  /** The two places that are asked back, from 0. */
  readonly asked: readonly number[]
}

export function NewCode({
  device,
  ways,
  onDone,
}: ScreenInput & { readonly onDone: (kept: boolean) => void }): ReactNode {
  const { recoveryCode: words } = useTexts()
  const [made, setMade] = useState<Made>()
  const [checking, setChecking] = useState(false)
  const work = useWork()
  const make = async (): Promise<void> => {
    const added = await device.sync.addRecoveryCode({ label: labelByDay() })
    if (added.status === 'no-backup') ways.signedIn(device)
    else setMade({ wayId: added.wayId, groups: added.code.split('-'), asked: chooseTwo() })
  }
  if (made === undefined) {
    return (
      <>
        <Title>{words.title}</Title>
        <p className="lead">{words.lead}</p>
        <p>{words.warning}</p>
        {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
        <Form
          onSubmit={() => {
            work.run(make, ways.onFault)
          }}
          go={words.make}
          busy={work.busy}
        />
      </>
    )
  }
  return (
    <>
      {checking ? (
        <Check
          made={made}
          onRight={() => {
            onDone(true)
          }}
          onLook={() => {
            setChecking(false)
          }}
        />
      ) : (
        <Show
          groups={made.groups}
          onWritten={() => {
            setChecking(true)
          }}
        />
      )}
      <Discard
        device={device}
        ways={ways}
        wayId={made.wayId}
        go={words.discard}
        onDone={() => {
          onDone(false)
        }}
      />
    </>
  )
}

function Show({
  groups,
  onWritten,
}: {
  readonly groups: readonly string[]
  readonly onWritten: () => void
}): ReactNode {
  const { recoveryCode: words } = useTexts()
  return (
    <>
      <Title>{words.shownTitle}</Title>
      <p className="lead">{words.shownLead}</p>
      <ol className="groups">
        {groups.map((group, place) => (
          <li key={place}>
            <span aria-hidden="true">{group}</span>
            <span className="quiet-label">{group.split('').join(' ')}</span>
          </li>
        ))}
      </ol>
      <p>{words.warning}</p>
      <Form onSubmit={onWritten} go={words.written} />
    </>
  )
}

function Check({
  made,
  onRight,
  onLook,
}: {
  readonly made: Made
  readonly onRight: () => void
  readonly onLook: () => void
}): ReactNode {
  const { recoveryCode: words } = useTexts()
  const [typed, setTyped] = useState<Readonly<Record<number, string>>>({})
  const [wrong, setWrong] = useState<readonly number[]>([])
  const check = (): void => {
    const differing = made.asked.filter((place) => readGroup(typed[place] ?? '') !== made.groups[place])
    setWrong(differing)
    if (differing.length === 0) onRight()
  }
  return (
    <>
      <Title>{words.checkTitle}</Title>
      <p className="lead">{words.checkLead}</p>
      <Form onSubmit={check} go={words.checkGo}>
        {made.asked.map((place) => (
          <Field
            key={place}
            label={words.group(String(place + 1))}
            value={typed[place] ?? ''}
            onChange={(text) => {
              setTyped({ ...typed, [place]: text })
            }}
            error={wrong.includes(place) ? words.wrong : undefined}
            large
          />
        ))}
      </Form>
      <Button className="quiet" onPress={onLook}>
        {words.look}
      </Button>
    </>
  )
}

/** As the code itself is read: small letters, and O, I and L for what they look like. */
function readGroup(typed: string): string {
  return typed
    .replaceAll(/[\s\p{Pd}]/gu, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
}

/** Two of seven places, in order. */
function chooseTwo(): readonly number[] {
  const [one = 0, step = 0] = crypto.getRandomValues(new Uint8Array(2))
  const first = one % 7
  return [first, (first + 1 + (step % 6)) % 7].sort((left, right) => left - right)
}
