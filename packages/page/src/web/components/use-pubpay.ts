/** What PubPay left in this browser, if it did. */
import type { PubPayFinding } from 'keyhaven/legacy/pubpay'
import { useEffect, useState } from 'react'

export type PubPayLeft = Exclude<PubPayFinding, { readonly mode: 'nothing' }>

/** With a way to forget it once it has been moved. */
export function usePubPay(): readonly [PubPayLeft | undefined, () => void] {
  const [found, setFound] = useState<PubPayLeft>()
  useEffect(() => {
    let current = true
    void import('../device/imports.ts').then(({ findPubPay }) => {
      const finding = findPubPay()
      if (current && finding.mode !== 'nothing') setFound(finding)
    })
    return () => {
      current = false
    }
  }, [])
  return [
    found,
    () => {
      setFound(undefined)
    },
  ]
}
