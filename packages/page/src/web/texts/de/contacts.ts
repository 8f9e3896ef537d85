/** Trusted contacts, in German. */
import type { WordsOf } from '../en.ts'
import type { contacts as english } from '../en/contacts.ts'

const people = (count: number): string => (count === 1 ? 'eine Person' : `${String(count)} Personen`)

export const contacts: WordsOf<typeof english> = {
  title: 'Vertraute',
  lead: 'Wenn Sie Ihre PIN vergessen und kein Gerät mehr haben, bringen Menschen, denen Sie vertrauen, Ihre Schlüssel gemeinsam zurück. Allein bekommt keiner etwas.',
  how: [
    'Ein neues Gerät von Ihnen fragt sie. Ihre anderen Geräte sagen es sofort und können es verhindern.',
    'Nach der Wartezeit rufen Sie jeden an und lesen dreißig Ziffern vor.',
    'Wer dieselben Ziffern sieht und Ihre Stimme kennt, gibt einen Teil. Genug Teile bringen Ihre Schlüssel.',
  ],
  none: 'Sie haben noch niemanden ausgewählt.',
  chooseTitle: 'Vertraute auswählen',
  choose: 'Menschen auswählen',
  chooseAnew: 'Neu auswählen',
  members: 'Wer sie sind',
  need: (need, of) =>
    need === of ? `Alle ${String(of)} werden gebraucht.` : `${String(need)} von den ${String(of)} genügen.`,
  gone: 'Hat das Konto geschlossen und kann nicht mehr helfen. Wählen Sie neu.',
  done: 'Das sind jetzt Ihre Vertrauten. Sagen Sie es ihnen.',
  doneAnew: 'Die von vorher können nichts mehr tun.',
  remove: 'Außer Gebrauch nehmen',
  removeTitle: 'Auf Vertraute verzichten?',
  removeLead: 'Was sie haben, öffnet nichts mehr, was Sie von jetzt an sichern.',
  removeYes: 'Ja, außer Gebrauch nehmen',
  removed: 'Sie haben keine Vertrauten mehr.',

  fromTalks: 'Aus Ihren Gesprächen',
  fromTalksLead:
    'Fragen Sie sie vorher, ob sie das möchten. Nur Menschen, mit denen Sie die sechzig Ziffern verglichen haben.',
  noTalks: 'Es gibt noch kein Gespräch mit jemandem.',
  compareFirst: 'Erst Ziffern vergleichen',
  compared: 'Ziffern verglichen',
  byCard: 'Mit einer Karte',
  byCardLead:
    'Wer kein Gespräch mit Ihnen hat, gibt Ihnen eine Karte: in Keyhaven unter Sicherheit, „Anderen helfen“. Sie darf auf jedem Weg kommen; danach lassen Sie sich die Ziffern vorlesen.',
  file: 'Datei auswählen',
  card: 'Text der Karte',
  cardHint: 'Kommt aus der Datei von selbst.',
  read: 'Karte lesen',
  noCard: 'Das ist keine Karte. Ist sie vollständig?',
  ownCard: 'Das ist Ihre eigene Karte.',
  twice: 'Diese Person steht schon auf der Liste.',
  tooMany: 'Höchstens zehn Personen.',
  isIt: (name) => `Liest ${name} Ihnen diese Ziffern vor?`,
  isItLead:
    'Von Angesicht oder am Telefon, mit einer Stimme, die Sie kennen. Sind sie verschieden, ist es die Karte von jemand anderem.',
  add: 'Ja, hinzufügen',
  drop: 'Nein, sie sind verschieden',
  added: 'Mit Karte hinzugefügt',
  takeAway: 'Wegnehmen',
  terms: 'Wie es geht',
  yourName: 'Ihr Name, wie man Sie kennt',
  yourNameHint: 'Den sehen sie, wenn jemand um Ihre Schlüssel bittet.',
  enough: 'Wie viele von ihnen genügen',
  of: (need, of) => `${String(need)} von ${String(of)}`,
  enoughHint:
    'Weniger als alle, damit Sie hineinkommen, auch wenn einer nicht zu erreichen ist. Mehr, damit wenige Sie nicht betrügen können.',
  allHint: 'Ist einer von ihnen nicht zu erreichen, kommt nichts zurück.',
  wait: 'Wartezeit, bevor sie antworten können',
  waits: { 7: 'Eine Woche', 14: 'Zwei Wochen', 30: 'Ein Monat', 90: 'Drei Monate' },
  waitHint: 'In dieser Zeit können Sie jemanden aufhalten, der nicht Sie sind.',
  go: 'Zu meinen Vertrauten machen',
  tooFew: 'Wählen Sie zwei Personen oder mehr.',
  noName: 'Schreiben Sie Ihren Namen, damit klar ist, wer fragt.',

  request: 'Jemand bittet Ihre Vertrauten um Ihre Schlüssel',
  requestLead: (device, time) => `Ein Gerät, das sich „${device}“ nennt, seit ${time}.`,
  requestDue: (time) => `Ihre Vertrauten können ab ${time} antworten.`,
  requestIsDue: 'Ihre Vertrauten können jetzt antworten.',
  answers: (count) =>
    count === 0
      ? 'Noch hat niemand geantwortet.'
      : count === 1
        ? '1 Person hat geantwortet.'
        : `${String(count)} Personen haben geantwortet.`,
  stop: 'Das bin ich nicht: verhindern',
  stopHint: 'Sind Sie es selbst, auf einem neuen Gerät, dann tun Sie hier nichts.',
  stopped:
    'Es ist verhindert. Wer es auch war, kann sich mit Ihrer Nummer anmelden: Sehen Sie Ihre Geräte an und entfernen Sie, was nicht Ihres ist.',

  help: 'Anderen helfen',
  helpLead: 'Vielleicht möchte Sie jemand als Vertrauten, damit Sie helfen, wenn die PIN vergessen ist.',
  helpGo: 'Karte und Anfragen',
  whoAsks: 'Wer Sie bittet',
  asked: 'Sie werden um Hilfe gebeten',
  askedLead: (name) =>
    `Jemand, der sich als ${name} ausgibt, möchte Schlüssel zurück und fragt Sie als Vertrauten.`,
  askedMore: (count) => `Und noch ${people(count)}.`,
  askedGo: 'Ansehen',
  askedNobody: 'Gerade bittet niemand um Ihre Hilfe.',
  unknownName: 'jemand, dessen Name sich bei Ihnen nicht öffnen lässt',
  inTalks: (name) => `In Ihren Gesprächen: ${name}.`,
  strange: 'Niemand aus Ihren Gesprächen.',
  askedBy: (device, time) => `Von einem Gerät, das sich „${device}“ nennt, ${time}.`,
  askedWaits: (time) =>
    `Sie können ab ${time} antworten. Fragen Sie bis dahin auf anderem Weg nach, ob das stimmt.`,
  askedDone: 'Sie haben Ihren Teil gegeben.',
  answer: 'Antworten',
  notOpen: 'Was Sie hüten, lässt sich mit Ihren Schlüsseln nicht öffnen. Nichts wurde gegeben.',
  voice: (name) => `Hören Sie diese Ziffern von ${name}?`,
  warning: (name) =>
    `Rufen Sie ${name} selbst an, unter einer Nummer, die Sie lange kennen. Ist die Stimme fremd, schickt Ihnen jemand die Ziffern schriftlich, oder drängt man Sie, dann geben Sie nichts: Es kann ein Dieb sein.`,
  give: 'Dieselben Ziffern, und ich kenne die Stimme',
  decline: 'Nein, nichts geben',
  given: 'Sie haben Ihren Teil gegeben. Er öffnet sich nur für dieses eine Gerät.',
  declined: 'Sie haben nichts gegeben. Sagen Sie der Person auf anderem Weg, dass jemand fragt.',
  over: 'Es wurde verhindert, oder die Zeit ist um. Nichts wurde gegeben.',
  guard: 'Was Sie hüten',
  guardNobody: 'Niemand hat Sie zum Vertrauten gemacht.',
  guardCount: (count) =>
    `Sie hüten einen Teil für ${people(count)}. Er öffnet allein nichts, und die Schlüssel sind nicht darin.`,
  guardOthers: (count) => `${people(count)} nicht aus Ihren Gesprächen`,
  card2: 'Ihre Karte',
  card2Lead: 'Geben Sie sie jemandem, der Sie als Vertrauten möchte. Es ist nichts Geheimes darin.',
  makeCard: 'Meine Karte zeigen',
  saveCard: 'Als Datei speichern',
  copyCard: 'Text kopieren',
  copied: 'Kopiert.',
  cardDigits: 'Lesen Sie dann diese Ziffern vor, am Telefon oder von Angesicht:',

  askTitle: 'Ihre Vertrauten fragen',
  askLead:
    'Wenn die PIN vergessen ist. Die Menschen, die Sie ausgewählt haben, bringen Ihre Schlüssel auf dieses Gerät.',
  askGo: 'Fragen',
  askShared:
    'Das ist ein gemeinsam genutzter Computer, auf dem nichts bleibt, und Ihre Vertrauten antworten erst nach Tagen. Fragen Sie von einem eigenen Gerät aus.',
  askNone: 'Ihre Sicherung hat keine Vertrauten. Nehmen Sie einen anderen Weg.',
  askedTitle: 'Ihre Vertrauten sind gefragt',
  waitUntil: (time) => `Sie können ab ${time} antworten.`,
  waitLead:
    'Bis dahin können Sie diese Seite schließen. Kommen Sie auf diesem Gerät zurück; ein Gerät, das Ihre Schlüssel hat, kann es unterdessen verhindern.',
  callNow: 'Rufen Sie jetzt jeden an und lesen Sie Ihre Ziffern vor.',
  yourDigits: 'Ihre Ziffern',
  digitsLead: 'Lesen Sie sie vor, mit Ihrer eigenen Stimme. Schicken Sie sie nicht schriftlich.',
  so: (answers, need) => `${String(answers)} von ${String(need)}, die Sie brauchen, haben geantwortet.`,
  until: (time) => `Sie können bis ${time} antworten.`,
  look: 'Noch einmal nachsehen',
  end: 'Anfrage zurücknehmen',
  ended: 'Die Anfrage ist zurückgenommen.',
  wasStopped:
    'Ein Gerät, das Ihre Schlüssel hat, hat es verhindert, Ihre Vertrauten wurden geändert, oder die Zeit war um. Nichts kam.',
  wrongParts:
    'Genug haben geantwortet, aber nicht alle mit dem richtigen Teil. Fragen Sie noch einen Ihrer Vertrauten.',
  wrongGiven: (names) => `Gab etwas anderes als den richtigen Teil: ${names}. Fragen Sie, warum.`,
}
