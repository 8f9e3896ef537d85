/** For an effect that calls what the newest rendering made, and does not begin anew with each. */
import { useEffect, useRef } from 'react'
import type { RefObject } from 'react'

export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value)
  useEffect(() => {
    latest.current = value
  })
  return latest
}
