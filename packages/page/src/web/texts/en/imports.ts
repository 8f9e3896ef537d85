/** Keys from other apps, in English. */
export const imports = {
  imports: {
    choices: {
      qryptchat: 'Bring a file from QryptChat',
      qryptchatHint: 'The file that its settings page wrote, and the password that you gave it.',
      pubpay: 'Take over your key from PubPay',
      pubpayHint: 'PubPay has kept a key in this browser. It moves to here and is backed up.',
    },
    elsewhere: (count: number) =>
      count === 1 ? '1 key from QryptChat' : `${String(count)} keys from QryptChat`,
    qryptchat: {
      lead: 'The file stays as it is, and stays on this device.',
      choose: 'Choose the file',
      password: 'Password of the file',
      open: 'Open the file',
      none: 'Choose the file first.',
      malformed:
        'That is no file from QryptChat’s settings page, or it is damaged. Nothing was taken from it.',
      row: 'That comes from QryptChat’s database, not from its settings page. It cannot be opened here.',
      rejected:
        'The password does not open this file, or the file is damaged. QryptChat’s files cannot tell which.',
      mismatch: 'A key in this file does not fit the public key beside it. Nothing was taken from it.',
      conflict: 'Other keys from QryptChat are already here. Nothing was changed.',
      imported: (count: number) =>
        count === 1 ? '1 key is here now.' : `${String(count)} keys are here now.`,
    },
    pubpay: {
      lead: 'Once your key is backed up here, PubPay’s own copy is removed from this browser.',
      password: 'Password that you gave PubPay',
      rejected:
        'The password does not open the key, or the key is damaged. PubPay’s format cannot tell which.',
      damaged: 'What PubPay left is damaged and does not open. It was left as it is.',
      keyMissing:
        'A part of what PubPay left is gone from this browser, so it does not open. Bring your key as text, if you have it.',
      mismatch: 'PubPay’s key does not fit the public key beside it. It was left as it is.',
      title: 'PubPay has a key in this browser',
      move: 'Move it here',
    },
  },
}
