import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { keepPage } from './keep-page.ts'

const page = document.querySelector('#page')
if (page !== null)
  // A part that did not load is said on the page.
  createRoot(page, { onCaughtError: () => undefined }).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )

keepPage()
