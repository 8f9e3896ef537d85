/** The second PIN, in English. */
export const second = {
  title: 'A second PIN',
  lead: 'What you keep behind a second PIN is not behind the first. It has keys, conversations and a backup of its own, and is found by your number and a word that you keep in mind.',
  card: 'Some conversations can be kept behind a PIN of their own. Whether somebody has done so, this page does not know.',
  go: 'Open or make one',
  word: 'Your word',
  wordHint:
    'It locks nothing, it only finds. Capital letters do not matter. Who does not know it does not learn that there is anything.',
  noWord: 'Write a word of 1 to 64 characters.',
  send: 'Send me a code',
  means: 'What it hides, and what not',
  hides: [
    'Who has this device unlocked and knows your first PIN finds nothing of it: not in what is kept here, not in the first backup, and not in its history.',
    'Nothing of it stays on this device. You open it with word, code and PIN each time.',
  ],
  hidesNot: [
    'Text messages with codes: there are more of them than the history of your first PIN lists.',
    'Who guesses the word, and gets a code of yours, learns that there is something. The PIN he would still have to guess.',
    'The server, while you use it, sees that both belong to your number. From its stored rows alone one cannot tell; but the same addresses, times and names of devices can suggest it.',
    'No program helps somebody of whom it is known that he has two.',
  ],
  nothing:
    'There is nothing under this word. If you expected something, the word is mistyped: try again. A number can take only a few new words in a month.',
  otherWord: 'Try another word',
  newTitle: 'There is nothing under this word yet',
  newLead:
    'If you expected something, the word is mistyped. Else make something new here, with a PIN of its own.',
  firstPin: 'Your first PIN',
  firstPinHint: 'Only to see that the new one is another. It is compared on this page alone, and not tried.',
  firstMissing: 'Enter your first PIN, too.',
  same: 'That is your first PIN. Take another one: whoever learns one must not have both.',
  make: 'Make it',
  enterTitle: 'Enter your second PIN',
  enterLead: 'The PIN that belongs to this word.',
  moveTitle: 'What should be behind the second PIN?',
  moveLead: 'You can go on without choosing anything, and begin new conversations there.',
  talks: 'Conversations',
  talksLead:
    'They begin anew behind the second PIN: the other person gets a link in the old conversation. When he has followed it, remove the old conversation, because what was written there, and the link, stay readable with the first PIN until then.',
  others: 'Conversations of other apps',
  othersLead:
    'Their keys are moved. Devices of yours that are offline, and old copies of the first backup, still have them; what must never be found there is never put there.',
  anew: 'begins anew',
  goOn: (link: string) => `I go on writing here: ${link}`,
  open: 'Go on',
  isOpen: 'Your second PIN is open. Nothing of this stays on this device.',
  close: 'Close it',
}
