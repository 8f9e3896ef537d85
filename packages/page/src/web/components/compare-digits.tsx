/** Six digits that two devices show, and the person's word that they are the same. */
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'

export interface AskedDigits {
  readonly digits: string
  /** What the other device calls itself. */
  readonly label: string | undefined
  readonly answer: (same: boolean) => void
}

/** The question that is open, and a way to ask it. Whatever ends the link answers it with no. */
export function useDigits(): {
  readonly asked: AskedDigits | undefined
  readonly ask: (question: Omit<AskedDigits, 'answer'> & { readonly signal: AbortSignal }) => Promise<boolean>
} {
  const [asked, setAsked] = useState<AskedDigits>()
  return {
    asked,
    ask: ({ signal, ...question }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          resolve(false)
        })
        const answer = (same: boolean): void => {
          setAsked(undefined)
          resolve(same)
        }
        setAsked({ ...question, answer })
      }),
  }
}

export function CompareDigits({ asked }: { readonly asked: AskedDigits }): ReactNode {
  const { link: words } = useTexts()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <section className="card" aria-label={words.compare}>
      <h2 ref={heading} tabIndex={-1}>
        {words.compare}
      </h2>
      {asked.label !== undefined && <p>{words.claims(asked.label)}</p>}
      <p className="link-digits" role="status" aria-label={asked.digits.split('').join(' ')}>
        {asked.digits.slice(0, 3)} {asked.digits.slice(3)}
      </p>
      <p>{words.compareLead}</p>
      <Button
        className="primary"
        onPress={() => {
          asked.answer(true)
        }}
      >
        {words.same}
      </Button>
      <Button
        className="quiet"
        onPress={() => {
          asked.answer(false)
        }}
      >
        {words.differ}
      </Button>
    </section>
  )
}
