/** Which language the page speaks: the person's choice, else the browser's first that there is, else English. */
import { createContext, use } from 'react'
import { de } from './de.ts'
import { en } from './en.ts'
import type { Texts } from './en.ts'

export const LANGUAGES = { en, de } as const
export type Language = keyof typeof LANGUAGES

export const TextsContext = createContext<Texts>(en)

export function useTexts(): Texts {
  return use(TextsContext)
}

export function isLanguage(text: string | null): text is Language {
  return text !== null && Object.hasOwn(LANGUAGES, text)
}

export function chooseLanguage(): Language {
  const chosen = localStorage.getItem('language')
  if (isLanguage(chosen)) return chosen
  const wanted = navigator.languages.map((name) => name.slice(0, 2)).find(isLanguage)
  return wanted ?? 'en'
}

/** A time as people say it, in the page's language: "3 minutes ago". */
export function sayTime(iso: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000)
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' })
  const units = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const
  const [unit, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? (['second', 1] as const)
  return format.format(Math.round(seconds / length), unit)
}

/** By this device's clock. */
export function isPast(iso: string, now: number = Date.now()): boolean {
  return Date.parse(iso) <= now
}

export function sayDate(iso: string): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: 'long',
    timeStyle: 'short',
  }).format(new Date(iso))
}

export function sayDay(day: Date): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'long' }).format(day)
}

/** A name that the page gave by the day, such as 2026-11-28, as people write the day; any other as it is. */
export function sayLabel(label: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(label) ? sayDay(new Date(`${label}T12:00`)) : label
}

/** Such a name for today. */
export function labelByDay(): string {
  const now = new Date()
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}

/** A day as people say it: "today", "yesterday", else its date. */
export function sayRecentDay(iso: string, now: Date = new Date()): string {
  const day = new Date(iso)
  const language = document.documentElement.lang
  const days = Math.round((startOf(day) - startOf(now)) / 86_400_000)
  if (days === 0 || days === -1)
    return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(days, 'day')
  return new Intl.DateTimeFormat(language, { dateStyle: 'long' }).format(day)
}

export function sayClock(iso: string): string {
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'short' }).format(new Date(iso))
}

function startOf(day: Date): number {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime()
}
