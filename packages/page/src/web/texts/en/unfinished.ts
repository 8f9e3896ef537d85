/** What was cut off, and what waits, in English. */
export const unfinished = {
  unfinished: {
    pinTitle: 'Which PIN is it now?',
    pin: 'The page was closed, or had no connection, while your PIN was being changed. Either the old one or the new one opens your backup. Choose a PIN once more, and you know.',
    deletionTitle: 'Deleting was interrupted',
    deletion:
      'The page was closed, or had no connection, while everything was being deleted. A part may be gone already. The keys on this device are still here.',
    goOn: 'Go on and delete everything',
    keep: 'Stop, and keep what is here',
    signedOut:
      'Deleting was interrupted, and this device is signed out: your account may be gone already. Sign in to see, or remove everything from this device.',
    deleted: 'Everything is deleted: your backup, your account and the keys on this device.',
    waitingTitle: 'Somebody wants your backup deleted',
    waiting: (time: string) =>
      `It is deleted after ${time}, unless you stop it. If that was not you, stop it, and change your PIN.`,
    stop: 'Stop the deletion',
    stopped: 'The deletion is stopped. Your backup stays.',
    here: 'Go on with the keys on this device',
    hereHint: 'They are not backed up yet.',
  },
}
