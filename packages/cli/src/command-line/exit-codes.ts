/** The exit codes of `keyhaven`: programs may rely on them; `--help` and the package's README list the same. */
export const EXIT = {
  ok: 0,
  fault: 1,
  usage: 2,
  wrongPin: 3,
  locked: 4,
  noBackup: 5,
  signedOut: 6,
  unavailable: 7,
  refused: 8,
  secretNeeded: 9,
  distrusted: 10,
  wrongPassword: 11,
  waiting: 12,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Each code with what it tells, in the order in which help pages show them. */
export const EXIT_CODE_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.fault, 'a fault: something is broken, the message says what'],
  [EXIT.usage, 'the command line, a setting or a given file is not right; nothing was done'],
  [EXIT.wrongPin, 'wrong PIN; the answer says how many guesses are left'],
  [EXIT.locked, 'locked: the guesses are used up'],
  [EXIT.noBackup, 'there is no backup'],
  [EXIT.signedOut, 'this device is not signed in, or the sign-in code was not accepted'],
  [EXIT.unavailable, 'the network, the server or too many realms cannot be reached; try again later'],
  [
    EXIT.refused,
    'refused by a rule: of the server, of the PIN policy, or because --reveal or --yes is missing',
  ],
  [EXIT.secretNeeded, 'a PIN or a password is needed and there was none'],
  [EXIT.distrusted, 'what was stored or served contradicts what this device knows; nothing was taken over'],
  [EXIT.wrongPassword, 'wrong password, for the vault or for a file; nothing was done'],
  [EXIT.waiting, 'too early: a wait has to pass first; the answer says until when'],
  [EXIT.interrupted, 'stopped by Ctrl-C or a signal'],
]
