/** The demo's table: each step is shown while it runs and printed with its time when it is done. */
import { styleText } from 'node:util'
import type { Progress } from '../command-line/progress.ts'
import { describeMilliseconds } from '../command-line/words.ts'

const WIDTH = 66

/** Runs steps one after another and keeps their times. */
export interface Steps {
  /** Runs `work`; `describe` says what came of it. The time is kept under `name`. */
  run<Value>(step: {
    readonly name: string
    readonly doing: string
    readonly work: (say: (text: string) => void) => Promise<Value>
    readonly describe: (value: Value) => string
  }): Promise<Value>
  /** Milliseconds by name of step. */
  readonly times: Readonly<Record<string, number>>
}

/** Prints finished steps to `print`, one line each. */
export function createSteps(input: {
  readonly progress: Progress
  readonly print: (line: string) => void
}): Steps {
  const times: Record<string, number> = {}
  let number = 0
  return {
    times,
    async run({ name, doing, work, describe }) {
      number += 1
      const label = String(number).padStart(2)
      const began = performance.now()
      const say = (text: string): void => {
        input.progress.show(`${label}  ${text} …`)
      }
      say(doing)
      const value = await work((text) => {
        say(`${doing}: ${text}`)
      })
      const milliseconds = Math.round(performance.now() - began)
      times[name] = milliseconds
      input.progress.clear()
      input.print(row(label, describe(value), milliseconds))
      return value
    },
  }
}

/** One line of the table. */
export function row(label: string, text: string, milliseconds: number): string {
  return `${label}  ${text.padEnd(WIDTH)}${describeMilliseconds(milliseconds).padStart(8)}`
}

/** The table's head. */
export function headRow(style: boolean): string {
  const text = `    ${'Step'.padEnd(WIDTH)}${'Time'.padStart(8)}`
  return style ? styleText('bold', text) : text
}
