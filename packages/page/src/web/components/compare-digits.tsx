/** Before a device is let in: which one, and whether both show the same six digits where its picture was not scanned. */
import { useEffect, useRef, useState } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'

export interface AskedDigits {
  readonly digits: string | undefined
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
  const { digits, label } = asked
  const title = digits === undefined ? words.isItYours : words.compare
  return (
    <section className="card" aria-label={title}>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {label !== undefined && <p>{words.claims(label)}</p>}
      {digits !== undefined && (
        <p className="link-digits" role="status" aria-label={digits.split('').join(' ')}>
          {digits.slice(0, 3)} {digits.slice(3)}
        </p>
      )}
      {digits !== undefined && <p>{words.compareLead}</p>}
      <Button
        className="primary"
        onPress={() => {
          asked.answer(true)
        }}
      >
        {digits === undefined ? words.letIn : words.same}
      </Button>
      <Button
        className="quiet"
        onPress={() => {
          asked.answer(false)
        }}
      >
        {digits === undefined ? words.letInNot : words.differ}
      </Button>
    </section>
  )
}
