/** A small text file of the person's, chosen with the browser's own dialog. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { Button, FileTrigger } from 'react-aria-components'

export function ChooseFile(input: {
  readonly go: string
  readonly accept?: readonly string[]
  /** Files of more bytes are not read: `onText` is told `undefined`. */
  readonly most: number
  readonly onText: (text: string | undefined) => void
}): ReactNode {
  const [name, setName] = useState<string>()
  const read = async (file: File): Promise<void> => {
    setName(file.name)
    input.onText(file.size > input.most ? undefined : await file.text())
  }
  return (
    <div className="chosen">
      <FileTrigger
        {...(input.accept && { acceptedFileTypes: input.accept })}
        onSelect={(files) => {
          const file = files?.[0]
          if (file !== undefined) void read(file)
        }}
      >
        <Button className="secondary">{input.go}</Button>
      </FileTrigger>
      <span role="status">{name}</span>
    </div>
  )
}
