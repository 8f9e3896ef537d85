/** Everything about the person: to take along, and to delete. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../components/screen-input.ts'
import { Field, Form, Notice, Question } from '../components/parts.tsx'
import { saveFile } from '../components/save-file.ts'
import { useWork } from '../components/use-work.ts'
import { deleteEverything } from '../device/unfinished.ts'
import { sayDate, useTexts } from '../texts/use-texts.ts'

export function ExportEverything({ device, ways }: ScreenInput): ReactNode {
  const { security: words } = useTexts()
  const work = useWork()
  const save = async (): Promise<void> => {
    const { messengerOf } = await import('../device/conversations.ts')
    const everything = await device.sync.exportEverything()
    const conversations = await messengerOf(device).exportAll()
    const text = JSON.stringify({ ...everything, conversations }, null, 2)
    saveFile({ name: 'keyhaven.json', type: 'application/json', text })
  }
  return (
    <>
      <p>{words.exportLead}</p>
      <Button
        className="secondary"
        isPending={work.busy}
        onPress={() => {
          work.run(save, ways.onFault)
        }}
      >
        {words.exportNow}
      </Button>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
    </>
  )
}

export function DeleteEverything({ device, ways }: ScreenInput): ReactNode {
  const { security: words } = useTexts()
  const [asking, setAsking] = useState(false)
  const [word, setWord] = useState('')
  const [said, setSaid] = useState<string>()
  const work = useWork()
  const destroy = async (): Promise<void> => {
    if (word !== words.destroyWord) return
    const outcome = await deleteEverything(device)
    if (outcome.status === 'waiting') setSaid(words.destroyWaits(sayDate(outcome.until)))
    else ways.left(device, 'deleted')
  }
  return (
    <>
      <p>{words.destroyLead}</p>
      <Button
        className="danger quietly"
        onPress={() => {
          setAsking(true)
        }}
      >
        {words.destroy}
      </Button>
      {asking && (
        <Question
          title={words.destroy}
          onClose={() => {
            setAsking(false)
          }}
        >
          <p>{words.destroyLead}</p>
          <Form
            onSubmit={() => {
              work.run(destroy, ways.onFault)
            }}
            go={words.destroyYes}
            busy={work.busy}
          >
            <Field
              label={words.destroyType(words.destroyWord)}
              value={word}
              onChange={setWord}
              error={work.error}
            />
          </Form>
          {said !== undefined && <Notice>{said}</Notice>}
        </Question>
      )}
    </>
  )
}
