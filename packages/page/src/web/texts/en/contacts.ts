/** Trusted contacts, in English. */
const people = (count: number): string => (count === 1 ? '1 person' : `${String(count)} people`)

export const contacts = {
  title: 'Trusted contacts',
  lead: 'If you forget your PIN and have no device left, people whom you trust bring your keys back together. Alone, none of them gets anything.',
  how: [
    'A new device of yours asks them. Your other devices say so at once, and can stop it.',
    'After the wait you call each of them, and read out thirty digits.',
    'Who sees the same digits and knows your voice gives a part. Enough parts bring your keys.',
  ],
  none: 'You have not chosen anybody yet.',
  chooseTitle: 'Choose your trusted contacts',
  choose: 'Choose people',
  chooseAnew: 'Choose anew',
  members: 'Who they are',
  need: (need: number, of: number) =>
    need === of
      ? `All ${String(of)} of them are needed.`
      : `Any ${String(need)} of the ${String(of)} are enough.`,
  gone: 'Has closed the account, and cannot help any more. Choose anew.',
  done: 'They are your trusted contacts now. Tell them so.',
  doneAnew: 'Those from before can do nothing any more.',
  remove: 'Take out of use',
  removeTitle: 'Do without trusted contacts?',
  removeLead: 'What they have opens nothing any more that you back up from now on.',
  removeYes: 'Yes, take them out of use',
  removed: 'You have no trusted contacts any more.',

  fromTalks: 'From your conversations',
  fromTalksLead:
    'Ask them first whether they want to. Only people with whom you have compared the sixty digits.',
  noTalks: 'There is no conversation with anybody yet.',
  compareFirst: 'Compare digits first',
  compared: 'Digits compared',
  byCard: 'By a card',
  byCardLead:
    'Somebody without a conversation gives you a card: in Keyhaven under Security, “Help others”. It may reach you on any way; then let the person read the digits to you.',
  file: 'Choose the file',
  card: 'Text of the card',
  cardHint: 'Comes from the file by itself.',
  read: 'Read the card',
  noCard: 'That is not a card. Check that all of it is there.',
  ownCard: 'That is your own card.',
  twice: 'This person is on the list already.',
  tooMany: 'Ten people at most.',
  isIt: (name: string) => `Does ${name} read these digits to you?`,
  isItLead:
    'In person or on the phone, in a voice that you know. If they differ, this is the card of somebody else.',
  add: 'Yes, add',
  drop: 'No, they differ',
  added: 'Added by card',
  takeAway: 'Take away',
  terms: 'How it works',
  yourName: 'Your name, as they know you',
  yourNameHint: 'They see it when somebody asks for your keys.',
  enough: 'How many of them are enough',
  of: (need: number, of: number) => `${String(need)} of ${String(of)}`,
  enoughHint:
    'Fewer than all, so that one who cannot be reached does not shut you out. More, so that few cannot deceive you.',
  allHint: 'If one of them cannot be reached, nothing is brought back.',
  wait: 'Wait before they can answer',
  waits: { 7: 'One week', 14: 'Two weeks', 30: 'One month', 90: 'Three months' },
  waitHint: 'In this time you can stop somebody who is not you.',
  go: 'Make them my contacts',
  tooFew: 'Choose two people or more.',
  noName: 'Write your name, so that they know who asks.',

  request: 'Somebody asks your contacts for your keys',
  requestLead: (device: string, time: string) => `A device that calls itself “${device}”, since ${time}.`,
  requestDue: (time: string) => `Your contacts can answer from ${time} on.`,
  requestIsDue: 'Your contacts can answer now.',
  answers: (count: number) =>
    count === 0
      ? 'Nobody has answered yet.'
      : count === 1
        ? '1 person has answered.'
        : `${String(count)} people have answered.`,
  stop: 'That is not me: stop it',
  stopHint: 'If it is you, on a new device, do nothing here.',
  stopped:
    'It is stopped. Whoever it was can sign in with your number: look at your devices, and remove what is not yours.',

  help: 'Help others',
  helpLead: 'Somebody may want you as a trusted contact, so that you help when the PIN is forgotten.',
  helpGo: 'Cards and requests',
  whoAsks: 'Who asks you',
  asked: 'You are asked for help',
  askedLead: (name: string) =>
    `Somebody who claims to be ${name} wants to get keys back, and asks you as a trusted contact.`,
  askedMore: (count: number) => `And ${people(count)} more.`,
  askedGo: 'Look at it',
  askedNobody: 'Nobody asks for your help just now.',
  unknownName: 'somebody whose name you cannot open',
  inTalks: (name: string) => `In your conversations: ${name}.`,
  strange: 'Not somebody from your conversations.',
  askedBy: (device: string, time: string) => `From a device that calls itself “${device}”, ${time}.`,
  askedWaits: (time: string) =>
    `You can answer from ${time} on. Until then, ask the person on another way whether it is true.`,
  askedDone: 'You have given your part.',
  answer: 'Answer',
  notOpen: 'What you guard does not open with your keys. Nothing was given.',
  voice: (name: string) => `Do you hear these digits from ${name}?`,
  warning: (name: string) =>
    `Call ${name} yourself, on a number that you have known for long. If the voice is strange, if somebody sends you the digits in writing, or if you are hurried, give nothing: it may be a thief.`,
  give: 'Same digits, and I know the voice',
  decline: 'No, give nothing',
  given: 'You have given your part. It opens for that one device alone.',
  declined: 'You gave nothing. Tell the person, on another way, that somebody asks.',
  over: 'It was stopped, or its time is over. Nothing was given.',
  guard: 'What you guard',
  guardNobody: 'Nobody has made you a trusted contact.',
  guardCount: (count: number) =>
    `You guard a part for ${people(count)}. It opens nothing by itself, and the person’s keys are not in it.`,
  guardOthers: (count: number) => `${people(count)} not from your conversations`,
  card2: 'Your card',
  card2Lead: 'Give it to somebody who wants you as a trusted contact. There is nothing secret in it.',
  makeCard: 'Show my card',
  saveCard: 'Save as a file',
  copyCard: 'Copy the text',
  copied: 'Copied.',
  cardDigits: 'Then read these digits to the person, on the phone or face to face:',

  askTitle: 'Ask your trusted contacts',
  askLead: 'For when the PIN is forgotten. The people whom you chose bring your keys to this device.',
  askGo: 'Ask them',
  askShared:
    'This is a shared computer, which keeps nothing, and your contacts answer after days. Ask them from a device of your own.',
  askNone: 'Your backup has no trusted contacts. Take another way.',
  askedTitle: 'Your contacts are asked',
  waitUntil: (time: string) => `They can answer from ${time} on.`,
  waitLead:
    'Until then you can close this page. Come back on this device; a device that has your keys can stop it meanwhile.',
  callNow: 'Now call each of them, and read out your digits.',
  yourDigits: 'Your digits',
  digitsLead: 'Read them aloud, in your own voice. Do not send them in writing.',
  so: (answers: number, need: number) => `${String(answers)} of ${String(need)} that you need have answered.`,
  until: (time: string) => `They can answer until ${time}.`,
  look: 'Look again',
  end: 'Take the request back',
  ended: 'The request is taken back.',
  wasStopped:
    'A device that has your keys stopped it, your contacts were changed, or the time was over. Nothing was brought.',
  wrongParts: 'Enough have answered, but not all gave the right part. Ask one more of your contacts.',
  wrongGiven: (names: string) => `Gave something else than the right part: ${names}. Ask why.`,
}
