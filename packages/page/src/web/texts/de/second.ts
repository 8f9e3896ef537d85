/** The second PIN, in German. */
import type { WordsOf } from '../en.ts'
import type { second as english } from '../en/second.ts'

export const second: WordsOf<typeof english> = {
  title: 'Eine zweite PIN',
  lead: 'Was hinter einer zweiten PIN liegt, liegt nicht hinter der ersten. Es hat eigene Schlüssel, eigene Gespräche und eine eigene Sicherung, und man findet es mit Ihrer Nummer und einem Wort, das Sie sich merken.',
  card: 'Manche Gespräche lassen sich hinter einer eigenen PIN verwahren. Ob jemand das getan hat, weiß diese Seite nicht.',
  go: 'Öffnen oder machen',
  word: 'Ihr Wort',
  wordHint:
    'Es verschließt nichts, es findet nur. Groß oder klein ist gleich. Wer es nicht kennt, erfährt nicht, dass da etwas ist.',
  noWord: 'Schreiben Sie ein Wort mit 1 bis 64 Zeichen.',
  send: 'Code schicken',
  means: 'Was es verbirgt, und was nicht',
  hides: [
    'Wer dieses Gerät entsperrt in der Hand hat und Ihre erste PIN kennt, findet nichts davon: nicht in dem, was hier liegt, nicht in der ersten Sicherung und nicht in dem, was darüber aufgeschrieben ist.',
    'Nichts davon bleibt auf diesem Gerät. Sie öffnen es jedes Mal mit Wort, Code und PIN.',
  ],
  hidesNot: [
    'SMS mit Codes: Es sind mehr, als zur ersten PIN aufgeschrieben ist.',
    'Wer das Wort errät und einen Code von Ihnen bekommt, erfährt, dass da etwas ist. Die PIN müsste er noch raten.',
    'Der Server sieht, während Sie es benutzen, dass beides zu Ihrer Nummer gehört. Aus seinen gespeicherten Zeilen allein geht es nicht hervor; gleiche Adressen, Zeiten und Gerätenamen können es aber nahelegen.',
    'Kein Programm hilft jemandem, von dem bekannt ist, dass er zwei hat.',
  ],
  nothing:
    'Unter diesem Wort ist nichts. Haben Sie etwas erwartet, dann ist das Wort vertippt: Versuchen Sie es noch einmal. Eine Nummer kann im Monat nur wenige neue Wörter bekommen.',
  otherWord: 'Ein anderes Wort',
  newTitle: 'Unter diesem Wort ist noch nichts',
  newLead:
    'Haben Sie etwas erwartet, dann ist das Wort vertippt. Sonst machen Sie hier etwas Neues, mit einer eigenen PIN.',
  firstPin: 'Ihre erste PIN',
  firstPinHint:
    'Nur um zu sehen, dass die neue eine andere ist. Sie wird allein auf dieser Seite verglichen und nicht probiert.',
  firstMissing: 'Geben Sie auch Ihre erste PIN ein.',
  same: 'Das ist Ihre erste PIN. Nehmen Sie eine andere: Wer eine erfährt, darf nicht beide haben.',
  make: 'Machen',
  enterTitle: 'Zweite PIN eingeben',
  enterLead: 'Die PIN, die zu diesem Wort gehört.',
  moveTitle: 'Was soll hinter die zweite PIN?',
  moveLead: 'Sie können ohne Auswahl weitergehen und dort neue Gespräche beginnen.',
  talks: 'Gespräche',
  talksLead:
    'Sie beginnen hinter der zweiten PIN neu: Die andere Person bekommt einen Link im alten Gespräch. Ist sie ihm gefolgt, dann entfernen Sie das alte Gespräch, denn was dort steht, und der Link, bleiben bis dahin mit der ersten PIN lesbar.',
  others: 'Gespräche anderer Apps',
  othersLead:
    'Ihre Schlüssel ziehen um. Geräte von Ihnen, die keine Verbindung haben, und alte Kopien der ersten Sicherung haben sie noch; was dort nie gefunden werden darf, kommt nie dorthin.',
  anew: 'beginnt neu',
  goOn: (link) => `Ich schreibe hier weiter: ${link}`,
  open: 'Weiter',
  isOpen: 'Ihre zweite PIN ist offen. Nichts davon bleibt auf diesem Gerät.',
  close: 'Schließen',
}
