/** A PIN for what is new behind a word; it must not be the first one. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { NewPin } from '../../components/new-pin.tsx'
import { Field, Notice, Title } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'
import type { Device } from '../../device/device.ts'
import { isSamePin, makeSecond } from '../../device/second.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function NewSecond({
  second,
  onMade,
}: {
  readonly second: Device
  readonly onMade: () => void
}): ReactNode {
  const { second: words } = useTexts()
  const [firstPin, setFirstPin] = useState('')
  const [problem, setProblem] = useState<string>()
  const work = useWork()
  const make = (pin: string): void => {
    const refused = firstPin === '' ? words.firstMissing : isSamePin(firstPin, pin) ? words.same : undefined
    setProblem(refused)
    if (refused !== undefined) return
    work.run(async () => {
      await makeSecond(second, pin)
      onMade()
    })
  }
  return (
    <>
      <Title>{words.newTitle}</Title>
      <p className="lead">{words.newLead}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <Field
          label={words.firstPin}
          hint={words.firstPinHint}
          value={firstPin}
          onChange={setFirstPin}
          type="password"
          error={problem}
          large
        />
      </form>
      <NewPin phone={second.sync.phone} go={words.make} busy={work.busy} onPin={make} />
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </>
  )
}
