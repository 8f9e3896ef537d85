/** Takes a way in out of use that the person did not keep after all. */
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../../components/screen-input.ts'
import { Notice } from '../../components/parts.tsx'
import { useWork } from '../../components/use-work.ts'

export function Discard(
  input: ScreenInput & { readonly wayId: string; readonly go: string; readonly onDone: () => void },
): ReactNode {
  const { device, ways, wayId } = input
  const work = useWork()
  const discard = async (): Promise<void> => {
    await device.sync.removeWay({ id: wayId })
    input.onDone()
  }
  return (
    <>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Button
        className="quiet"
        isPending={work.busy}
        onPress={() => {
          work.run(discard, ways.onFault)
        }}
      >
        {input.go}
      </Button>
    </>
  )
}
