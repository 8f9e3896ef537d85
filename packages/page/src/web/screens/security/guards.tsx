/** Whom the person relies on for the PIN: the servers, who runs them, and how many would have to turn against him. */
import { describeReliance } from 'keyhaven/recovery'
import type { ReactNode } from 'react'
import { Card } from '../../components/parts.tsx'
import { readRealms } from '../../device/device.ts'
import { useTexts } from '../../texts/use-texts.ts'

export function Guards(): ReactNode {
  const { guards: words } = useTexts()
  const { realms, realmsToCollude, operatorsToCollude } = describeReliance(readRealms())
  return (
    <Card title={words.title}>
      <p>
        {realms.length === 1
          ? words.one
          : words.many(String(realms.length), String(realmsToCollude), String(operatorsToCollude))}
      </p>
      <ul>
        {realms.map(({ id, address, operator }) => (
          <li key={id}>
            <strong>{new URL(address).host}</strong>{' '}
            <small>{operator ? `${operator.name}, ${operator.jurisdiction}` : words.unnamed}</small>
          </li>
        ))}
      </ul>
    </Card>
  )
}
