/** How many contacts are enough, how long a request waits, and the name that they know the person by. */
import type { NewContact } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Card, Field, Form, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { SelectField } from '../../components/select-field.tsx'
import { useWork } from '../../components/use-work.ts'
import { WAITS, proposeEnough } from '../../device/contacts.ts'
import { MOST_NAME_CHARACTERS } from '../../device/conversations.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function Terms({
  device,
  ways,
  chosen,
  onSet,
}: ScreenInput & { readonly chosen: readonly NewContact[]; readonly onSet: () => void }): ReactNode {
  const { contacts: words } = useTexts()
  const people = Math.max(2, chosen.length)
  const [name, setName] = useState('')
  /** The person's own choice, which holds while it is possible. */
  const [wanted, setWanted] = useState<number>()
  const [waitDays, setWaitDays] = useState<number>(WAITS[0])
  const [problem, setProblem] = useState<{ readonly with: 'people' | 'name'; readonly text: string }>()
  const work = useWork()
  const enough = wanted === undefined || wanted > people ? proposeEnough(people) : wanted
  const set = async (): Promise<void> => {
    const input = { contacts: chosen, threshold: enough, ownerName: name.trim(), waitDays }
    const { status } = await device.sync.contacts.set(input)
    if (status === 'set') onSet()
    else ways.signedIn(device)
  }
  const submit = (): void => {
    const missing = chosen.length < 2 ? 'people' : name.trim() === '' ? 'name' : undefined
    setProblem(missing && { with: missing, text: missing === 'people' ? words.tooFew : words.noName })
    if (missing === undefined) work.run(set, ways.onFault)
  }
  return (
    <Card title={words.terms}>
      <Form onSubmit={submit} go={words.go} busy={work.busy}>
        <Field
          label={words.yourName}
          hint={words.yourNameHint}
          value={name}
          onChange={setName}
          maxLength={MOST_NAME_CHARACTERS}
          error={problem?.with === 'name' ? problem.text : undefined}
        />
        <SelectField
          label={words.enough}
          value={enough}
          options={Array.from({ length: people - 1 }, (_, index) => ({
            value: index + 2,
            text: words.of(index + 2, people),
          }))}
          onChange={setWanted}
          hint={enough === people ? words.allHint : words.enoughHint}
        />
        <SelectField
          label={words.wait}
          value={waitDays}
          options={WAITS.map((days) => ({ value: days, text: words.waits[days] }))}
          onChange={setWaitDays}
          hint={words.waitHint}
        />
        {problem?.with === 'people' && chosen.length < 2 && <Notice tone="bad">{problem.text}</Notice>}
        {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      </Form>
    </Card>
  )
}
