/** A text as a picture (QR code) for another device's camera. */
import { useEffect, useState } from 'react'
import type { ReactNode } from 'react'

export function Picture({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const [rows, setRows] = useState<readonly (readonly boolean[])[]>([])
  useEffect(() => {
    void import('qr').then(({ default: encodeQR }) => {
      setRows(encodeQR(text, 'raw', { ecc: 'low' }))
    })
  }, [text])
  const path = rows.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${String(x)} ${String(y)}h1v1h-1z`] : [])),
  )
  return (
    <svg
      className="qr"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${String(rows.length)} ${String(rows.length)}`}
    >
      <path d={path.join('')} />
    </svg>
  )
}
