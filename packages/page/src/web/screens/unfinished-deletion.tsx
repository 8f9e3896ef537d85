/** Everything was being deleted when the page was closed: on with it, or not. */
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Notice, Title } from '../components/parts.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { useWork } from '../components/use-work.ts'
import { deleteEverything, forgetUnfinished } from '../device/unfinished.ts'
import { useTexts } from '../texts/use-texts.ts'

export function UnfinishedDeletion({ device, ways }: ScreenInput): ReactNode {
  const { unfinished: words } = useTexts()
  const work = useWork()
  const goOn = async (): Promise<void> => {
    const { status } = await deleteEverything(device)
    if (status === 'waiting') ways.signedIn(device)
    else ways.left(device, 'deleted')
  }
  const keep = async (): Promise<void> => {
    await forgetUnfinished(device.vault, 'deletion')
    ways.signedIn(device)
  }
  return (
    <main className="narrow">
      <Title>{words.deletionTitle}</Title>
      <p className="lead">{words.deletion}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Button
        className="danger"
        isPending={work.busy}
        onPress={() => {
          work.run(goOn, ways.onFault)
        }}
      >
        {words.goOn}
      </Button>
      <Button
        className="quiet"
        isDisabled={work.busy}
        onPress={() => {
          work.run(keep, ways.onFault)
        }}
      >
        {words.keep}
      </Button>
    </main>
  )
}
