/** Parts of the page that are loaded when they are needed, and what is shown where one cannot be. */
import { Component, Suspense } from 'react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { explainFault } from '../texts/explain-fault.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Notice } from './parts.tsx'

interface Input {
  readonly children: ReactNode
}

/** React hears of a part that did not load in a class alone. Another part is tried under another `key`. */
export class Part extends Component<Input, { readonly fault?: unknown }> {
  override state: { readonly fault?: unknown } = {}

  static getDerivedStateFromError(fault: unknown): { readonly fault: unknown } {
    return { fault }
  }

  override render(): ReactNode {
    if ('fault' in this.state) return <Unloaded fault={this.state.fault} />
    return <Suspense fallback={<Wait />}>{this.props.children}</Suspense>
  }
}

export function Wait(): ReactNode {
  const { loading } = useTexts()
  return (
    <main className="narrow">
      <p role="status">{loading}</p>
    </main>
  )
}

/** A browser gives a part that failed no second try on the same page. */
function Unloaded({ fault }: { readonly fault: unknown }): ReactNode {
  const texts = useTexts()
  return (
    <main className="narrow">
      <Notice tone="bad">{explainFault(fault, texts)}</Notice>
      <Button
        className="primary"
        onPress={() => {
          location.reload()
        }}
      >
        {texts.reload}
      </Button>
    </main>
  )
}
