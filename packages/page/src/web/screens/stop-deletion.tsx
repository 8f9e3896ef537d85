/** Somebody signed in without the keys and asked to have the backup deleted: this device has them, and can stop it. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { Card, Notice } from '../components/parts.tsx'
import type { ScreenInput } from '../components/screen-input.ts'
import { useWork } from '../components/use-work.ts'
import { sayDate, useTexts } from '../texts/use-texts.ts'

export function StopDeletion({ device, ways, dueAt }: ScreenInput & { readonly dueAt: string }): ReactNode {
  const { unfinished: words } = useTexts()
  const [stopped, setStopped] = useState(false)
  const work = useWork()
  const stop = async (): Promise<void> => {
    await device.sync.keepBackup()
    setStopped(true)
  }
  if (stopped) return <Notice tone="good">{words.stopped}</Notice>
  return (
    <Card title={words.waitingTitle}>
      <p>{words.waiting(sayDate(dueAt))}</p>
      {work.error !== undefined && <Notice tone="bad">{work.error}</Notice>}
      <Button
        className="primary"
        isPending={work.busy}
        onPress={() => {
          work.run(stop, ways.onFault)
        }}
      >
        {words.stop}
      </Button>
    </Card>
  )
}
