/** Language and appearance, at the foot of every screen. The choice is all that the page keeps in clear. */
import { useState } from 'react'
import type { ReactNode } from 'react'
import { LANGUAGES, isLanguage, useTexts } from '../texts/use-texts.ts'
import type { Language } from '../texts/use-texts.ts'

const THEMES = ['system', 'light', 'dark'] as const

export function Settings({
  language,
  onLanguage,
}: {
  readonly language: Language
  readonly onLanguage: (language: Language) => void
}): ReactNode {
  const { settings } = useTexts()
  const [theme, setTheme] = useState(readTheme)
  return (
    <footer className="settings">
      <label>
        <span>{settings.language}</span>
        <select
          value={language}
          onChange={({ target }) => {
            if (!isLanguage(target.value)) return
            localStorage.setItem('language', target.value)
            onLanguage(target.value)
          }}
        >
          {Object.entries(LANGUAGES).map(([name, texts]) => (
            <option key={name} value={name}>
              {texts.language}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{settings.theme}</span>
        <select
          value={theme}
          onChange={({ target }) => {
            localStorage.setItem('theme', target.value)
            setTheme(readTheme())
          }}
        >
          {THEMES.map((name) => (
            <option key={name} value={name}>
              {settings[name]}
            </option>
          ))}
        </select>
      </label>
    </footer>
  )
}

function readTheme(): (typeof THEMES)[number] {
  const theme = THEMES.find((name) => name === localStorage.getItem('theme')) ?? 'system'
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  return theme
}
