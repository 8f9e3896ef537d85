import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { takeInvitation } from './components/invitation.ts'
import { keepPage } from './keep-page.ts'
import { isUnloaded } from './unloaded-parts.ts'

// Before any screen looks at the address.
takeInvitation()
addEventListener('hashchange', takeInvitation)

const page = document.querySelector('#page')
if (page !== null)
  createRoot(page, {
    // A part that did not load is said on the page, and is no mistake of it.
    onCaughtError: (fault) => {
      if (!isUnloaded(fault)) reportError(fault)
    },
  }).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )

keepPage()
