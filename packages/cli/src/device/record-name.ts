/** Which records of the vault a person may name, and what must not be typed where a name or a file is meant. */
import { CommandError } from '../command-line/command-error.ts'

const OWN_PREFIXES = ['sync/', 'cli/']

/** Refuses the program's own records with `ERR_USAGE`. */
export function requireRecordName(name: string): string {
  refuseKey(name)
  if (!OWN_PREFIXES.some((prefix) => name.startsWith(prefix))) return name
  throw new CommandError(
    'ERR_USAGE',
    'Records below "sync/" and "cli/" are the program\'s own; name another.',
  )
}

/** Refuses a key that was typed on the command line, and does not repeat it. */
export function refuseKey(typed: string): void {
  if (!/^(?:(?:nsec|ncryptsec)1.*|[0-9a-f]{64})$/is.test(typed)) return
  throw new CommandError(
    'ERR_USAGE',
    'A key is never taken from the command line: name the file that holds it.',
  )
}
