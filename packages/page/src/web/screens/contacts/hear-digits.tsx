/** The one thing that no machine can do for a contact: to hear the digits from the person himself. */
import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import type { AskedDigits } from '../../components/compare-digits.tsx'
import { Digits } from '../../components/digits.tsx'
import { useTexts } from '../../texts/use-texts.ts'

export function HearDigits({
  asked,
}: {
  readonly asked: AskedDigits & { readonly digits: string }
}): ReactNode {
  const { contacts: words } = useTexts()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  const name = asked.label ?? words.unknownName
  return (
    <section className="card" aria-label={words.voice(name)}>
      <h2 ref={heading} tabIndex={-1}>
        {words.voice(name)}
      </h2>
      <p>{words.warning(name)}</p>
      <Digits number={asked.digits} />
      <p className="actions">
        <Button
          className="secondary"
          onPress={() => {
            asked.answer(true)
          }}
        >
          {words.give}
        </Button>
        <Button
          className="danger"
          onPress={() => {
            asked.answer(false)
          }}
        >
          {words.decline}
        </Button>
      </p>
    </section>
  )
}
