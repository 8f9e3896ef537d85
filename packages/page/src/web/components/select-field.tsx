/** One of a few values, in the browser's own list. */
import { useId } from 'react'
import type { ReactNode } from 'react'

export function SelectField(input: {
  readonly label: string
  readonly value: number
  readonly options: readonly { readonly value: number; readonly text: string }[]
  readonly onChange: (value: number) => void
  readonly hint: string
}): ReactNode {
  const hint = useId()
  return (
    <label className="field">
      <span>{input.label}</span>
      <select
        value={input.value}
        aria-describedby={hint}
        onChange={({ target }) => {
          input.onChange(Number(target.value))
        }}
      >
        {input.options.map(({ value, text }) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <small id={hint}>{input.hint}</small>
    </label>
  )
}
