/** A device that has its keys: home, Nostr, security. */
import { Suspense, lazy, useEffect } from 'react'
import type { ReactNode } from 'react'
import { readInvitation } from '../components/invitation.ts'
import type { ScreenInput } from '../components/screen-input.ts'
import { Part } from '../components/unloaded.tsx'
import { replaceRoute, useRoute } from '../components/use-route.ts'
import { useTexts } from '../texts/use-texts.ts'
import { Home } from './home.tsx'

const Nostr = lazy(async () => ({ default: (await import('./nostr.tsx')).Nostr }))
const Invite = lazy(async () => ({ default: (await import('./invite.tsx')).Invite }))
const Join = lazy(async () => ({ default: (await import('./join.tsx')).Join }))
const Conversation = lazy(async () => ({ default: (await import('./conversation.tsx')).Conversation }))
const AboutConversation = lazy(async () => ({
  default: (await import('./about-conversation.tsx')).AboutConversation,
}))
const SecondOpen = lazy(async () => ({ default: (await import('./second/second-open.tsx')).SecondOpen }))
const Security = lazy(async () => ({ default: (await import('./security.tsx')).Security }))

export function Haven({ device, ways }: ScreenInput): ReactNode {
  const { nav, product } = useTexts()
  const route = useRoute()
  const [first = ''] = route.split('/')
  const tab = first === 'nostr' || first === 'security' ? first : ''
  useEffect(() => {
    // Somebody came by a link, and had to sign in or set up first.
    if (readInvitation() !== undefined) replaceRoute('join')
  }, [])
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
            <a key={to} href={`#/${to}`} aria-current={tab === to ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </header>
      {device.session.level !== undefined && (
        <Suspense>
          <SecondOpen device={device} ways={ways} />
        </Suspense>
      )}
      <Part key={tab === '' ? route : tab}>
        <main>{screenAt(route, { device, ways })}</main>
      </Part>
    </div>
  )
}

function screenAt(route: string, part: ScreenInput): ReactNode {
  if (/^nostr(?:\/|$)/.test(route)) return <Nostr device={part.device} />
  if (/^security(?:\/|$)/.test(route)) return <Security {...part} />
  if (route === 'invite') return <Invite {...part} />
  if (route === 'join') return <Join {...part} />
  const [, id, about] = /^messages\/([0-9a-f]{32})(\/about)?$/.exec(route) ?? []
  if (id === undefined) return <Home {...part} />
  if (about !== undefined) return <AboutConversation key={id} {...part} id={id} />
  return <Conversation key={id} {...part} id={id} />
}
