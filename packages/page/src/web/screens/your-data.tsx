/** Everything about the person: to take along, and to delete. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { Part } from '../components/part.ts'
import { Field, Form, Notice, Question } from '../components/parts.tsx'
import { useWork } from '../components/use-work.ts'
import { sayDate, useTexts } from '../texts/use-texts.ts'

export function ExportEverything({ device, ways }: Part): ReactNode {
  const { security: words } = useTexts()
  const work = useWork()
  const save = async (): Promise<void> => {
    const text = JSON.stringify(await device.sync.exportEverything(), null, 2)
    const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = address
    link.download = 'keyhaven.json'
    link.click()
    URL.revokeObjectURL(address)
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

export function DeleteEverything({ device, ways }: Part): ReactNode {
  const { security: words } = useTexts()
  const [asking, setAsking] = useState(false)
  const [word, setWord] = useState('')
  const [said, setSaid] = useState<string>()
  const work = useWork()
  const destroy = async (): Promise<void> => {
    if (word !== words.destroyWord) return
    const outcome = await device.sync.deleteAccount({ leaveRegistrations: true })
    if (outcome.status === 'waiting') {
      setSaid(words.destroyWaits(sayDate(outcome.until)))
      return
    }
    await device.vault.destroy()
    ways.left()
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
