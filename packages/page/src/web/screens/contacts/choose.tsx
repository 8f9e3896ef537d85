/** Who the contacts are to be: people from conversations, and people who gave a card. */
import type { NewContact } from 'keyhaven/sync'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Title } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { MOST_CONTACTS } from '../../device/contacts.ts'
import { useTexts } from '../../texts/use-texts.ts'
import { FromCard } from './from-card.tsx'
import { FromTalks } from './from-talks.tsx'
import { Terms } from './terms.tsx'

export function Choose({
  device,
  ways,
  onSet,
  onBack,
}: ScreenInput & { readonly onSet: () => void; readonly onBack: () => void }): ReactNode {
  const { cancel, contacts: words } = useTexts()
  const [byTalk, setByTalk] = useState<readonly NewContact[]>([])
  const [byCard, setByCard] = useState<readonly NewContact[]>([])
  const chosen = [...byTalk, ...byCard]
  /** Why somebody cannot be added. */
  const refuse = ({ accountId }: NewContact): string | undefined => {
    if (accountId === device.sync.accountId) return words.ownCard
    if (chosen.some((one) => one.accountId === accountId)) return words.twice
    return chosen.length < MOST_CONTACTS ? undefined : words.tooMany
  }
  return (
    <>
      <Title>{words.chooseTitle}</Title>
      <FromTalks device={device} ways={ways} chosen={byTalk} onChosen={setByTalk} />
      <FromCard
        chosen={byCard}
        refuse={refuse}
        onAdd={(contact) => {
          setByCard([...byCard, contact])
        }}
        onDrop={(contact) => {
          setByCard(byCard.filter((one) => one !== contact))
        }}
      />
      <Terms device={device} ways={ways} chosen={chosen} onSet={onSet} />
      <Button className="quiet" onPress={onBack}>
        {cancel}
      </Button>
    </>
  )
}
