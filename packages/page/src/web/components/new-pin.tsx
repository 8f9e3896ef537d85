/** Choosing a PIN: what speaks against it while it is typed, what it is worth and against whom, and the same once more. */
import type { PinEstimate } from 'keyhaven/strength'
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'
import { Label, Meter } from 'react-aria-components'
import type { Texts } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Field, Form } from './parts.tsx'

export function NewPin(input: {
  readonly phone: string
  readonly go: string
  readonly busy: boolean
  readonly onPin: (pin: string) => void
}): ReactNode {
  const texts = useTexts()
  const { pin: words } = texts
  const [pin, setPin] = useState('')
  const [again, setAgain] = useState('')
  const [tried, setTried] = useState(false)
  const estimate = useEstimate(pin, input.phone)
  const refusal = estimate?.refusal
  const refused = refusal === undefined ? undefined : words.refusals[refusal]
  const differs = tried && again !== pin ? words.differs : undefined
  const submit = (): void => {
    setTried(true)
    if (estimate !== undefined && refusal === undefined && again === pin) input.onPin(pin)
  }
  return (
    <Form onSubmit={submit} go={input.go} busy={input.busy}>
      <Field
        label={words.label}
        value={pin}
        onChange={setPin}
        type="password"
        autoComplete="new-password"
        error={tried || pin.length > 5 ? refused : undefined}
        large
      />
      <Meter
        className="meter"
        value={levelOf(estimate)}
        minValue={0}
        maxValue={4}
        valueLabel={words.levels[Math.max(0, levelOf(estimate) - 1)] ?? ''}
      >
        {({ valueText, percentage }) => (
          <>
            <Label>{words.meter}</Label>
            <span className="value">{pin === '' ? '' : valueText}</span>
            <span className="bar" aria-hidden="true">
              <span
                className={`fill level-${String(levelOf(estimate))}`}
                style={{ inlineSize: `${String(percentage)}%` }}
              />
            </span>
          </>
        )}
      </Meter>
      {estimate !== undefined && refusal === undefined && <Worth estimate={estimate} words={words} />}
      <Field
        label={words.repeat}
        value={again}
        onChange={setAgain}
        type="password"
        autoComplete="new-password"
        error={differs}
        large
      />
    </Form>
  )
}

function Worth({
  estimate,
  words,
}: {
  readonly estimate: PinEstimate
  readonly words: Texts['pin']
}): ReactNode {
  const { against, digitsOnly } = estimate
  const days = against.realmOperator.seconds / 86_400
  const holds = days < 1 ? words.minutes : days > 730 ? words.years : words.days(String(Math.round(days)))
  const one = new Intl.NumberFormat(document.documentElement.lang, {
    notation: 'compact',
    compactDisplay: 'long',
  }).format(Math.round(1 / against.online.chance))
  return (
    <div className="hint" role="status">
      <p>{words.chance(one)}</p>
      <p>{words.operator(holds)}</p>
      {digitsOnly && <p>{words.words}</p>}
    </div>
  )
}

/** 0 to 4: what a guesser with ten tries, and then somebody with the server, has to do. */
function levelOf(estimate: PinEstimate | undefined): number {
  if (estimate === undefined) return 0
  if (estimate.refusal !== undefined) return 1
  const { guessesLog10 } = estimate
  return guessesLog10 < 8 ? 2 : guessesLog10 < 12 ? 3 : 4
}

function useEstimate(pin: string, phone: string): PinEstimate | undefined {
  const [known, setKnown] = useState<{ readonly pin: string; readonly estimate: PinEstimate }>()
  useEffect(() => {
    let current = true
    if (pin !== '') {
      void import('keyhaven/strength')
        .then(({ estimatePin }) => estimatePin({ pin, phone }))
        .then((estimate) => {
          if (current) setKnown({ pin, estimate })
        })
    }
    return () => {
      current = false
    }
  }, [pin, phone])
  return known?.pin === pin ? known.estimate : undefined
}
