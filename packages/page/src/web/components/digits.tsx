/** Digits to be read aloud or compared, in groups of five. */
import type { ReactNode } from 'react'

export function Digits({ number }: { readonly number: string }): ReactNode {
  const groups = number.split(' ')
  return (
    <p className={`digits groups ${groups.length === 6 ? 'thirty' : ''}`}>
      {groups.map((group, place) => (
        <span key={place}>{group} </span>
      ))}
    </p>
  )
}
