/** People with whom there is a conversation: those whose digits were compared can be contacts. */
import type { NewContact } from 'keyhaven/sync'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Checkbox } from 'react-aria-components'
import { Card, Notice } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { listTalkers } from '../../device/contacts.ts'
import type { Talker } from '../../device/contacts.ts'
import { explainFault } from '../../texts/explain-fault.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function FromTalks({
  device,
  ways,
  chosen,
  onChosen,
}: ScreenInput & {
  readonly chosen: readonly NewContact[]
  readonly onChosen: (chosen: readonly NewContact[]) => void
}): ReactNode {
  const texts = useTexts()
  const { contacts: words, loading, talk } = texts
  const [talkers, setTalkers] = useState<readonly Talker[]>()
  const [trouble, setTrouble] = useState<string>()
  const { onFault } = ways
  useEffect(() => {
    void listTalkers(device, talk.unnamed).then(setTalkers, (fault: unknown) => {
      if (!onFault(fault)) setTrouble(explainFault(fault, texts))
    })
  }, [device, onFault, texts, talk])
  return (
    <Card title={words.fromTalks}>
      <p>{words.fromTalksLead}</p>
      {trouble !== undefined && <Notice tone="bad">{trouble}</Notice>}
      {talkers === undefined && trouble === undefined && <p role="status">{loading}</p>}
      {talkers?.length === 0 && <p className="empty">{words.noTalks}</p>}
      {talkers !== undefined && talkers.length > 0 && (
        <ul className="choosable">
          {talkers.map(({ id, name, contact }) => (
            <li key={id}>
              {contact === undefined ? (
                <>
                  <bdi>{name}</bdi>
                  <small>
                    <a href={`#/messages/${id}/about`}>{words.compareFirst}</a>
                  </small>
                </>
              ) : (
                <Checkbox
                  className="check"
                  isSelected={chosen.includes(contact)}
                  onChange={(isChosen) => {
                    const others = chosen.filter((one) => one !== contact)
                    onChosen(isChosen ? [...others, contact] : others)
                  }}
                >
                  <span className="box" aria-hidden="true" />
                  <span>
                    <bdi>{name}</bdi>
                    <small>{words.compared}</small>
                  </span>
                </Checkbox>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
