/** The messenger, in German. */
import type { WordsOf } from '../en.ts'
import type { talk as english } from '../en/talk.ts'

export const talk: WordsOf<typeof english> = {
  title: 'Gespräche',
  none: 'Noch keine Gespräche. Laden Sie jemanden ein: Nur Sie beide können lesen, was Sie schreiben.',
  unnamed: 'Ohne Namen',
  count: (count: number) =>
    count === 0 ? 'Noch keine Nachrichten' : count === 1 ? '1 Nachricht' : `${String(count)} Nachrichten`,
  unread: (count: number) => (count === 1 ? '1 neue' : `${String(count)} neue`),
  waiting: 'Eingeladen, noch nicht da',
  others: (count: number) =>
    count === 1
      ? 'Auch der Schlüssel eines Gesprächs einer anderen App ist hier.'
      : `Auch die Schlüssel von ${String(count)} Gesprächen anderer Apps sind hier.`,
  invite: 'Jemanden einladen',
  inviteLead:
    'Sie bekommen einen Link für eine Person. Schicken Sie ihn auf einem Weg, dem Sie trauen: Wer ihn zuerst öffnet, ist dabei.',
  who: 'Name dieser Person',
  whoHint: 'Diesen Namen sehen nur Sie, auf allen Ihren Geräten.',
  makeLink: 'Link machen',
  linkTitle: 'Ihr Link',
  linkLead: (time: string) => `Er gilt für eine Person, bis zum ${time}.`,
  copy: 'Link kopieren',
  copied: 'Kopiert.',
  linkWaits: 'Noch hat ihn niemand geöffnet.',
  waitingElsewhere:
    'Noch hat niemand den Link geöffnet. Der Link selbst ist auf dem Gerät, das ihn gemacht hat.',
  joinTitle: 'Sie sind zu einem Gespräch eingeladen',
  joinLead: 'Nur Sie und die Person, die den Link geschickt hat, können lesen, was Sie einander schreiben.',
  join: 'Beitreten',
  joinNot: 'Nicht jetzt',
  notThere: 'Dieser Link ist benutzt, zu alt, nicht vollständig oder Ihr eigener. Bitten Sie um einen neuen.',
  forgedLink:
    'Der Server zeigt jemand anderen als der Link. Sie sind nicht beigetreten. Sagen Sie es der Person, die den Link geschickt hat.',
  about: 'Mehr',
  back: 'Zurück zum Gespräch',
  messages: 'Nachrichten',
  older: 'Ältere zeigen',
  empty: 'Noch nichts geschrieben.',
  you: 'Sie',
  write: 'Nachricht schreiben',
  send: 'Senden',
  sending: 'Wird gesendet …',
  notSent: 'Nicht gesendet',
  sendAgain: 'Noch einmal',
  giveUp: 'Verwerfen',
  tooLong: 'Das ist zu lang für eine Nachricht. Machen Sie zwei daraus.',
  unreadable: 'Diese Nachricht lässt sich auf diesem Gerät nicht öffnen.',
  firstKey: 'Ab hier können nur Sie beide lesen.',
  newKey: 'Ab hier verschließt ein neuer Schlüssel, was Sie beide schreiben.',
  altered:
    'Was der Server zeigt, ist nicht, was geschrieben wurde: Eine Nachricht fehlt, ist geändert oder verschoben. Verlassen Sie sich nicht auf dieses Gespräch.',
  gone: 'Dieses Gespräch gibt es nicht mehr. Einer von Ihnen hat es entfernt.',
  noKey:
    'Der Schlüssel dieses Gesprächs ist noch nicht auf diesem Gerät. Öffnen Sie Keyhaven auf dem Gerät, das ihn hat, damit er gesichert wird.',
  forged:
    'Der Server zeigt jemand anderen als die Person Ihres Links. Schreiben Sie hier nicht. Entfernen Sie dieses Gespräch, und laden Sie neu ein.',
  changed:
    'Diese Person hat andere Schlüssel als vorher: neu gemacht, oder von jemand anderem untergeschoben. Hier wird nichts gelesen und geschrieben. Fragen Sie nach, und beginnen Sie mit einem neuen Link.',
  notCompared: 'Sie haben noch keine Nummern verglichen.',
  compare: 'Vergleichen',
  isIt: (name: string) => `Ist es wirklich ${name}?`,
  compareLead: (name: string) =>
    `Lesen Sie einander diese sechzig Ziffern vor, von Angesicht zu Angesicht oder am Telefon. Sehen Sie beide dieselben, dann ist es ${name}, und niemand ist dazwischen.`,
  same: 'Sie sind gleich',
  different:
    'Sind sie verschieden, dann schreiben Sie hier nichts, und laden Sie auf einem anderen Weg neu ein.',
  compared: (name: string) => `Sie haben die Nummern verglichen: Es ist ${name}.`,
  numberBefore: 'Die Nummer vorher',
  numberNow: 'Die Nummer jetzt',
  name: 'Name',
  keyTitle: 'Neuer Schlüssel',
  keyLead:
    'Ein neuer Schlüssel verschließt, was ab jetzt geschrieben wird. Gut, wenn einer von Ihnen ein Gerät verloren hat.',
  keyGo: 'Neuen Schlüssel machen',
  remove: 'Gespräch entfernen',
  removeTitle: (name: string) => `Das Gespräch mit ${name} entfernen?`,
  removeLead: 'Entfernt alle Nachrichten und ihre Schlüssel, für Sie beide.',
  removeYes: 'Entfernen',
}
