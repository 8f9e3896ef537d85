/** A device that has its keys: home, Nostr, security. */
import { lazy } from 'react'
import type { ReactNode } from 'react'
import type { Ways } from '../app.tsx'
import { Part } from '../components/unloaded.tsx'
import { useRoute } from '../components/use-route.ts'
import type { Device } from '../device/device.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Home } from './home.tsx'

const Nostr = lazy(async () => ({ default: (await import('./nostr.tsx')).Nostr }))
const Security = lazy(async () => ({ default: (await import('./security.tsx')).Security }))

export function Haven({ device, ways }: { readonly device: Device; readonly ways: Ways }): ReactNode {
  const { nav, product } = useTexts()
  const [route] = useRoute().split('/')
  const place = route === 'nostr' || route === 'security' ? route : ''
  return (
    <div className="haven">
      <header>
        <p className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> {product}
        </p>
        <nav aria-label={nav.label}>
          {(
            [
              ['', nav.home],
              ['nostr', nav.nostr],
              ['security', nav.security],
            ] as const
          ).map(([to, name]) => (
            <a key={to} href={`#/${to}`} aria-current={place === to ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </header>
      <main>
        <Part key={place}>
          {place === '' && <Home device={device} ways={ways} />}
          {place === 'nostr' && <Nostr device={device} />}
          {place === 'security' && <Security device={device} ways={ways} />}
        </Part>
      </main>
    </div>
  )
}
