/** Above every screen while a second PIN is open: that it is, and how to close it. */
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../../components/screen-input.ts'
import { useWork } from '../../components/use-work.ts'
import { closeSecond } from '../../device/second.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function SecondOpen({ device, ways }: ScreenInput): ReactNode {
  const { second: words } = useTexts()
  const work = useWork()
  const close = async (): Promise<void> => {
    await closeSecond(device)
    ways.left(device)
  }
  return (
    <aside className="second-open" aria-label={words.title}>
      <p>{words.isOpen}</p>
      <Button
        className="secondary"
        isPending={work.busy}
        onPress={() => {
          work.run(close)
        }}
      >
        {words.close}
      </Button>
    </aside>
  )
}
