/**
 * How a secret comes in: from a file, from stdin, or asked for on the terminal without showing it. Never from the
 * command line, where `ps` and the shell's history would keep it.
 *
 * One trailing newline is dropped; everything else is taken as it is. Several lines are refused, since they are
 * more likely the wrong file than a PIN.
 */
import type { Readable } from 'node:stream'
import { KeyhavenError } from 'keyhaven'
import { CommandError } from './command-error.ts'
import type { CommandErrorCode } from './command-error.ts'
import type { Invocation, OptionDefinition } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { readUpTo } from '../device/files.ts'
import type { ExitCode } from './exit-codes.ts'

const MOST_BYTES = 4096

/** What kind of secret is read, and under which options. */
export interface SecretKind {
  readonly options: 'pin' | 'code' | 'password' | 'vault-password' | 'recovery-code' | 'link-code' | 'level'
  readonly noun: string
  readonly missing: { readonly code: CommandErrorCode; readonly exit: ExitCode }
  /**
   * How long an open stdin that nobody named may stay silent, in ms: it may be one that nobody will ever write to.
   * Without it, a stdin that nobody named is left alone, because another secret may come there.
   */
  readonly patienceMs?: number
}

export const PIN: SecretKind = {
  options: 'pin',
  noun: 'PIN',
  missing: { code: 'ERR_PIN_NEEDED', exit: EXIT.secretNeeded },
  patienceMs: 10_000,
}

export const SIGN_IN_CODE: SecretKind = {
  options: 'code',
  noun: 'sign-in code',
  missing: { code: 'ERR_CODE_NEEDED', exit: EXIT.usage },
  patienceMs: 300_000,
}

/** The password that a command is about: of a new protection, or of the file that is read or written. */
export const PASSWORD: SecretKind = {
  options: 'password',
  noun: 'password',
  missing: { code: 'ERR_PASSWORD_NEEDED', exit: EXIT.secretNeeded },
  patienceMs: 10_000,
}

/** The code that was shown once, and written down. */
export const RECOVERY_CODE: SecretKind = {
  options: 'recovery-code',
  noun: 'recovery code',
  missing: { code: 'ERR_RECOVERY_CODE_NEEDED', exit: EXIT.secretNeeded },
  patienceMs: 10_000,
}

/** The password that opens the vault of the device on which a command works. */
export const VAULT_PASSWORD: SecretKind = {
  options: 'vault-password',
  noun: "vault's password",
  missing: { code: 'ERR_PASSWORD_NEEDED', exit: EXIT.secretNeeded },
}

/** The code that another device shows; good for minutes, and once. */
export const LINK_CODE: SecretKind = {
  options: 'link-code',
  noun: 'code of the link',
  missing: { code: 'ERR_LINK_CODE_NEEDED', exit: EXIT.secretNeeded },
}

/** What finds a level that the person keeps from others; no key hangs on it. */
export const LEVEL: SecretKind = {
  options: 'level',
  noun: 'word of the level',
  missing: { code: 'ERR_LEVEL_NEEDED', exit: EXIT.usage },
}

const KINDS = [PIN, SIGN_IN_CODE, PASSWORD, RECOVERY_CODE, LINK_CODE, LEVEL, VAULT_PASSWORD]

/** The two options of a kind of secret, for a command's list of options. */
export function secretOptions({
  options,
  noun,
  patienceMs,
}: SecretKind): Readonly<Record<string, OptionDefinition>> {
  return {
    [`${options}-file`]: {
      value: 'FILE',
      summary: `read the ${noun} from FILE; one newline at its end is dropped`,
    },
    [`${options}-stdin`]: {
      summary: `read the ${noun} from stdin, one line${patienceMs === undefined ? '' : ' (done anyway when stdin is no terminal)'}`,
    },
  }
}

/** True when the caller said where the secret is to be read. */
export function secretIsNamed(invocation: Invocation, kind: SecretKind): boolean {
  return invocation.option(`${kind.options}-file`) !== undefined || invocation.flag(`${kind.options}-stdin`)
}

/**
 * Reads one secret: from the file or stdin that the options name, else from stdin if that is no terminal, else by
 * asking `questions` in turn, whose answers must be equal. Without an answer: the kind's own code and exit code.
 */
export async function readSecret(input: {
  readonly invocation: Invocation
  readonly kind: SecretKind
  readonly questions: readonly string[]
}): Promise<string> {
  const { invocation, kind, questions } = input
  const file = invocation.option(`${kind.options}-file`)
  const fromStdin = invocation.flag(`${kind.options}-stdin`)
  if (file !== undefined && fromStdin) {
    throw new CommandError('ERR_USAGE', `Give --${kind.options}-file or --${kind.options}-stdin, not both.`)
  }
  const namedStdin = KINDS.filter(({ options }) => invocation.flag(`${options}-stdin`))
  if (namedStdin.length > 1) {
    throw new CommandError('ERR_USAGE', 'Only one secret can come from stdin; read the other from a file.')
  }
  if (file !== undefined)
    return parseSecret(await readUpTo(file, MOST_BYTES + 1, `file with the ${kind.noun}`), kind)
  if (invocation.stdin.isTTY === true && questions.length > 0) return ask({ questions, kind, invocation })
  if (fromStdin) return parseSecret(await readStdin(invocation, []), kind)
  if (kind.patienceMs === undefined || namedStdin.length > 0) return parseSecret(new Uint8Array(), kind)
  return parseSecret(await readStdin(invocation, [AbortSignal.timeout(kind.patienceMs)]), kind)
}

async function readStdin(
  { stdin, signal }: Invocation,
  patience: readonly AbortSignal[],
): Promise<Uint8Array> {
  const line = await readLine(stdin, AbortSignal.any([signal, ...patience]))
  if (signal.aborted) throw new KeyhavenError('ERR_ABORTED', undefined)
  return line
}

/** Reads up to the first newline, the end, or the stop; a program may keep its pipe open. */
async function readLine(stream: Readable, stop: AbortSignal): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let length = 0
  const close = (): void => {
    stream.destroy()
  }
  stop.addEventListener('abort', close)
  if (stop.aborted) close()
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      const end = part.indexOf(0x0a)
      parts.push(end === -1 ? part : part.subarray(0, end + 1))
      length += part.length
      if (end !== -1 || length > MOST_BYTES) break
    }
  } catch (error) {
    if (!stop.aborted) throw error
  } finally {
    stop.removeEventListener('abort', close)
  }
  return Buffer.concat(parts)
}

/** The secret in `bytes`, without one newline at its end. Exported for its test. */
export function parseSecret(bytes: Uint8Array, kind: SecretKind): string {
  const text = decode(bytes, kind).replace(/\r?\n$/, '')
  if (text === '') {
    const ways = `use --${kind.options}-file FILE or --${kind.options}-stdin, or run the command in a terminal`
    throw new CommandError(
      kind.missing.code,
      `A ${kind.noun} is needed and none was given: ${ways}.`,
      kind.missing.exit,
    )
  }
  if (/[\r\n]/.test(text))
    throw new CommandError('ERR_SECRET_INVALID', `The ${kind.noun} has more than one line.`)
  return text
}

function decode(bytes: Uint8Array, kind: SecretKind): string {
  if (bytes.length > MOST_BYTES)
    throw new CommandError('ERR_SECRET_INVALID', `The ${kind.noun} is longer than 4096 bytes.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError('ERR_SECRET_INVALID', `The ${kind.noun} is not UTF-8 text.`)
  }
}

async function ask(input: {
  readonly questions: readonly string[]
  readonly kind: SecretKind
  readonly invocation: Invocation
}): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  let first: string | undefined
  for (const message of input.questions) {
    const answer = await password({
      message,
      mask: '',
      withGuide: false,
      input: input.invocation.stdin,
      output: process.stderr,
      signal: input.invocation.signal,
    })
    if (isCancel(answer)) throw new KeyhavenError('ERR_ABORTED', undefined)
    const secret = parseSecret(Buffer.from(answer), input.kind)
    if (first !== undefined && first !== secret) {
      throw new CommandError(
        'ERR_SECRET_INVALID',
        `The two answers differ; the ${input.kind.noun} was not used.`,
      )
    }
    first = secret
  }
  return first ?? parseSecret(new Uint8Array(), input.kind)
}
