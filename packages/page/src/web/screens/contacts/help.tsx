/** The contact's side: what people ask of him, what he guards, and his card. */
import type { AskedOfMe } from 'keyhaven/sync'
import { useCallback, useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Card, Notice, Title } from '../../components/parts.tsx'
import type { ScreenInput } from '../../components/screen-input.ts'
import { listGuarded, readAsked, readNames } from '../../device/contacts.ts'
import { explainFault } from '../../texts/explain-fault.ts'
import { useTexts } from '../../texts/use-texts.ts'
import { Asked } from './asked.tsx'
import { OwnCard } from './own-card.tsx'

interface Found {
  readonly asked: readonly AskedOfMe[]
  /** Accounts. */
  readonly guarded: readonly string[]
  /** By account. */
  readonly names: ReadonlyMap<string, string>
}

export function Help({ device, ways }: ScreenInput): ReactNode {
  const texts = useTexts()
  const { contacts: words, security } = texts
  const [found, setFound] = useState<Found>()
  const [trouble, setTrouble] = useState<string>()
  const { onFault } = ways
  const look = useCallback(() => {
    void Promise.all([readAsked(device), listGuarded(device), readNames(device)]).then(
      ([asked, guarded, names]) => {
        setFound({ asked, guarded, names })
      },
      (fault: unknown) => {
        if (!onFault(fault)) setTrouble(explainFault(fault, texts))
      },
    )
  }, [device, onFault, texts])
  useEffect(look, [look])
  return (
    <>
      <a className="back" href="#/security">
        <span aria-hidden="true">‹ </span>
        {security.title}
      </a>
      <Title>{words.help}</Title>
      {trouble !== undefined && <Notice tone="bad">{trouble}</Notice>}
      {found !== undefined && <Asked device={device} ways={ways} {...found} onAnswered={look} />}
      {found !== undefined && <Guarded {...found} />}
      <OwnCard device={device} ways={ways} />
    </>
  )
}

function Guarded({ guarded, names }: Found): ReactNode {
  const { contacts: words } = useTexts()
  const known = guarded.flatMap((account) => names.get(account) ?? [])
  const others = guarded.length - known.length
  return (
    <Card title={words.guard}>
      {guarded.length === 0 ? (
        <p className="empty">{words.guardNobody}</p>
      ) : (
        <>
          <p>{words.guardCount(guarded.length)}</p>
          <ul className="devices">
            {known.map((name, place) => (
              <li key={place}>
                <strong>
                  <bdi>{name}</bdi>
                </strong>
              </li>
            ))}
            {others > 0 && <li>{words.guardOthers(others)}</li>}
          </ul>
        </>
      )}
    </Card>
  )
}
