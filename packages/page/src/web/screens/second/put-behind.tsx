/** What of the first PIN goes behind the second: conversations that begin anew there, and keys of other apps. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Checkbox } from 'react-aria-components'
import type { Ways } from '../../app.tsx'
import { Card, Form, Notice, Title } from '../../components/parts.tsx'
import { useLatest } from '../../components/use-latest.ts'
import { useWork } from '../../components/use-work.ts'
import type { Device } from '../../device/device.ts'
import { beginAnew, listMovable, moveOthers } from '../../device/second.ts'
import type { Movable } from '../../device/second.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function PutBehind({
  first,
  second,
  ways,
  onDone,
}: {
  readonly first: Device
  readonly second: Device
  readonly ways: Ways
  readonly onDone: (second: Device) => void
}): ReactNode {
  const { second: words, talk } = useTexts()
  const [movable, setMovable] = useState<Movable>()
  const [chosen, setChosen] = useState<readonly string[]>([])
  const work = useWork()
  const read = useLatest(() => {
    work.run(async () => {
      setMovable(await listMovable(first, talk.unnamed))
    }, ways.onFault)
  })
  useEffect(() => {
    read.current()
  }, [first, read])
  const put = async (): Promise<void> => {
    for (const { id, name } of movable?.talks ?? []) {
      if (!chosen.includes(id)) continue
      await beginAnew(first, second, { id, name, say: words.goOn })
      // What is done is not done again, should the next one fail.
      setChosen((before) => before.filter((one) => one !== id))
    }
    await moveOthers(
      first,
      second,
      (movable?.others ?? []).filter((name) => chosen.includes(name)),
    )
    onDone(second)
  }
  const choose = (id: string, isChosen: boolean): void => {
    const others = chosen.filter((one) => one !== id)
    setChosen(isChosen ? [...others, id] : others)
  }
  const talks = movable?.talks ?? []
  const others = (movable?.others ?? []).map((id) => ({ id, name: id }))
  return (
    <>
      <Title>{words.moveTitle}</Title>
      <p className="lead">{words.moveLead}</p>
      <Form
        onSubmit={() => {
          work.run(put, ways.onFault)
        }}
        go={words.open}
        busy={work.busy}
      >
        {talks.length > 0 && (
          <Card title={words.talks}>
            <p>{words.talksLead}</p>
            <Choices among={talks} hint={words.anew} chosen={chosen} onChoose={choose} />
          </Card>
        )}
        {others.length > 0 && (
          <Card title={words.others}>
            <p>{words.othersLead}</p>
            <Choices among={others} chosen={chosen} onChoose={choose} />
          </Card>
        )}
        {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      </Form>
    </>
  )
}

function Choices(input: {
  readonly among: readonly { readonly id: string; readonly name: string }[]
  readonly hint?: string
  readonly chosen: readonly string[]
  readonly onChoose: (id: string, isChosen: boolean) => void
}): ReactNode {
  return (
    <ul className="choosable">
      {input.among.map(({ id, name }) => (
        <li key={id}>
          <Checkbox
            className="check"
            isSelected={input.chosen.includes(id)}
            onChange={(isChosen) => {
              input.onChoose(id, isChosen)
            }}
          >
            <span className="box" aria-hidden="true" />
            <span>
              <bdi>{name}</bdi>
              {input.hint !== undefined && <small>{input.hint}</small>}
            </span>
          </Checkbox>
        </li>
      ))}
    </ul>
  )
}
