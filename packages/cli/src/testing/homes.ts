/** Homes and secret files for tests of the vault's commands. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runJson, temporaryFolder } from './command.ts'

export const PASSWORD = 'a password for tests'

/** A folder with a home in it, and the words that name the home and, for a password home, its password's file. */
export interface TestHome {
  readonly folder: string
  readonly home: string
  /** `--home …` alone. */
  readonly named: readonly string[]
  /** With the password of a password home. */
  readonly opened: readonly string[]
  /** Writes a file and gives its path. */
  readonly write: (name: string, content: string | Uint8Array) => Promise<string>
}

/** A home that is not set up yet. */
export async function emptyHome(): Promise<TestHome> {
  const folder = await temporaryFolder()
  const home = join(folder, 'home')
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  return { folder, home, named: ['--home', home], opened: ['--home', home], write }
}

/** A home that only {@link PASSWORD} opens. */
export async function passwordHome(): Promise<TestHome> {
  const empty = await emptyHome()
  const file = await empty.write('password', `${PASSWORD}\n`)
  const words = ['vault', 'init', '--protection', 'password', '--password-file', file, ...empty.named]
  const made = await runJson(words)
  if (made.exit !== 0) throw new Error(JSON.stringify(made.answer))
  return { ...empty, opened: [...empty.named, '--vault-password-file', file] }
}

/** One of the files of samples in `vectors/`. */
export function readVectors(name: string): readonly unknown[] {
  const text = readFileSync(new URL(`../../../../vectors/${name}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly vectors: readonly unknown[] }).vectors
}
