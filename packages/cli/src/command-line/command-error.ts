/**
 * A fault of the command line's own: a wrong argument, an unreadable file, a missing terminal.
 *
 * Like the library's errors it carries nothing that was typed where a secret might stand.
 */
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'

/** The codes that only the command knows; all others are the library's. */
export type CommandErrorCode =
  | 'ERR_USAGE'
  | 'ERR_FILE_UNREADABLE'
  | 'ERR_FILE_EXISTS'
  | 'ERR_FILE_NOT_WRITTEN'
  | 'ERR_KEY_FILE_INVALID'
  | 'ERR_HOME_INVALID'
  | 'ERR_REVEAL_NEEDED'
  | 'ERR_CONFIRMATION_NEEDED'
  | 'ERR_PIN_NEEDED'
  | 'ERR_PASSWORD_NEEDED'
  | 'ERR_RECOVERY_CODE_NEEDED'
  | 'ERR_LINK_CODE_NEEDED'
  | 'ERR_LEVEL_NEEDED'
  | 'ERR_WAY_UNKNOWN'
  | 'ERR_PASSWORD_WRONG'
  | 'ERR_PASSWORD_WRONG_OR_DAMAGED'
  | 'ERR_CODE_NEEDED'
  | 'ERR_SECRET_INVALID'
  | 'ERR_LEGACY_EMPTY'
  | 'ERR_LEGACY_DAMAGED'
  | 'ERR_LEGACY_UNOPENABLE'
  | 'ERR_REALMS_PINNED'
  | 'ERR_SERVER_PINNED'
  | 'ERR_SERVER_FOREIGN'
  | 'ERR_DEVICE_UNKNOWN'
  | 'ERR_DEVICE_AMBIGUOUS'
  | 'ERR_DEMO_FAILED'

/** A fault of the command itself, with the words for it and the exit code that it leads to. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: CommandErrorCode
  readonly exit: ExitCode

  constructor(code: CommandErrorCode, message: string, exit: ExitCode = EXIT.usage) {
    super(message)
    this.code = code
    this.exit = exit
  }
}
