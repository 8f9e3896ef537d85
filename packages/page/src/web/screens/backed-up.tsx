/** After the first backup: what brings the keys back should the PIN be forgotten. */
import { lazy, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { ScreenInput } from '../components/screen-input.ts'
import { Card, Notice, Title } from '../components/parts.tsx'
import { Part } from '../components/unloaded.tsx'
import { goTo, replaceRoute, useRoute } from '../components/use-route.ts'
import { useTexts } from '../texts/use-texts.ts'

const NewCode = lazy(async () => ({ default: (await import('./ways/new-code.tsx')).NewCode }))
const NewKit = lazy(async () => ({ default: (await import('./ways/new-kit.tsx')).NewKit }))

export function BackedUp({ device, ways }: ScreenInput): ReactNode {
  const { pin: words, spare } = useTexts()
  const route = useRoute()
  const [kept, setKept] = useState<ReadonlySet<string>>(new Set())
  if (route === 'recovery-code' || route === 'kit') {
    const New = route === 'kit' ? NewKit : NewCode
    return (
      <Part key={route}>
        <main className="narrow">
          <New
            device={device}
            ways={ways}
            onDone={(isKept) => {
              if (isKept) setKept(new Set([...kept, route]))
              replaceRoute('backed-up')
            }}
          />
        </main>
      </Part>
    )
  }
  return (
    <main className="narrow">
      <p className="seal" aria-hidden="true">
        ✓
      </p>
      <Title>{words.doneTitle}</Title>
      <p className="lead">{words.doneLead}</p>
      <Card title={spare.title}>
        <p>{spare.lead}</p>
        {kept.has('recovery-code') && <Notice tone="good">{spare.codeKept}</Notice>}
        {kept.has('kit') && <Notice tone="good">{spare.kitKept}</Notice>}
        <p className="actions">
          <Button
            className="secondary"
            onPress={() => {
              goTo('recovery-code')
            }}
          >
            {spare.code}
          </Button>
          <Button
            className="secondary"
            onPress={() => {
              goTo('kit')
            }}
          >
            {spare.kit}
          </Button>
        </p>
      </Card>
      <Button
        className="primary"
        onPress={() => {
          ways.here(device)
        }}
      >
        {words.start}
      </Button>
    </main>
  )
}
