/** The few parts that all screens are made of. */
import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'
import {
  Button,
  Dialog,
  FieldError,
  Heading,
  Input,
  Label,
  Modal,
  ModalOverlay,
  Text,
  TextArea,
  TextField,
} from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'

/** A screen's heading takes the focus when the screen appears, so that a screen reader says where one is. */
export function Title({ children }: { readonly children: ReactNode }): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus()
  }, [])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  )
}

export function Field(input: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly type?: 'text' | 'tel' | 'password'
  readonly inputMode?: 'numeric' | 'tel' | 'text'
  readonly autoComplete?: string
  readonly hint?: string | undefined
  readonly error?: string | undefined
  readonly large?: boolean
  /** A text of several lines. */
  readonly lines?: number
  readonly maxLength?: number
}): ReactNode {
  const { label, value, onChange, type = 'text', hint, error, large = false, lines } = input
  return (
    <TextField
      // What was wrong is said, and keeps nobody from trying again, as the browser's own validation would.
      validationBehavior="aria"
      className="field"
      value={value}
      onChange={onChange}
      type={type}
      isInvalid={error !== undefined}
    >
      <Label>{label}</Label>
      {lines === undefined ? (
        <Input
          className={large ? 'large' : ''}
          autoComplete={input.autoComplete ?? 'off'}
          inputMode={input.inputMode ?? 'text'}
          autoCapitalize="none"
          maxLength={input.maxLength}
          spellCheck={false}
        />
      ) : (
        <TextArea rows={lines} autoComplete="off" autoCapitalize="none" spellCheck={false} />
      )}
      {hint !== undefined && <Text slot="description">{hint}</Text>}
      <FieldError>{error}</FieldError>
    </TextField>
  )
}

/** A form that goes off with Enter; its button says when it works. */
export function Form(input: {
  readonly onSubmit: () => void
  readonly go: string
  readonly busy?: boolean
  readonly children?: ReactNode
}): ReactNode {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (input.busy !== true) input.onSubmit()
      }}
    >
      {input.children}
      <Button type="submit" className="primary" isPending={input.busy ?? false}>
        {input.go}
      </Button>
    </form>
  )
}

/** Something to know: said aloud when it appears. */
export function Notice({
  tone = 'plain',
  children,
}: {
  readonly tone?: 'plain' | 'good' | 'bad'
  readonly children: ReactNode
}): ReactNode {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  )
}

export function Card({
  title,
  children,
}: {
  readonly title: string
  readonly children: ReactNode
}): ReactNode {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** Asks before something that cannot be taken back, or for one more thing. */
export function Question(input: {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}): ReactNode {
  const texts = useTexts()
  return (
    <ModalOverlay className="shade" isOpen isDismissable onOpenChange={input.onClose}>
      <Modal className="modal">
        <Dialog>
          <Heading slot="title">{input.title}</Heading>
          {input.children}
          <Button className="quiet" onPress={input.onClose}>
            {texts.cancel}
          </Button>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
