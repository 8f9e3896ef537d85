/** Where a message is written. Enter sends it, Shift and Enter begin a new line. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button, FieldError, Label, TextArea, TextField } from 'react-aria-components'
import { useTexts } from '../texts/use-texts.ts'

export function Composer({
  refusal,
  onSend,
}: {
  readonly refusal: string | undefined
  /** False keeps the text here. */
  readonly onSend: (text: string) => boolean
}): ReactNode {
  const { talk: words } = useTexts()
  const [text, setText] = useState('')
  const send = (): void => {
    if (text.trim() !== '' && onSend(text.trim())) setText('')
  }
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <TextField
        className="field"
        validationBehavior="aria"
        value={text}
        onChange={setText}
        isInvalid={refusal !== undefined}
        onKeyDown={(event) => {
          // A key that ends the choice of a character, as in Japanese, sends nothing.
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          send()
        }}
      >
        <Label className="quiet-label">{words.write}</Label>
        <TextArea rows={1} placeholder={words.write} autoComplete="off" />
        <FieldError>{refusal}</FieldError>
      </TextField>
      <Button type="submit" className="primary small">
        {words.send}
      </Button>
    </form>
  )
}
