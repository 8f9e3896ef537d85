/** What was cut off, and what waits, in German. */
import type { WordsOf } from '../en.ts'
import type { unfinished as english } from '../en/unfinished.ts'

export const unfinished: WordsOf<typeof english> = {
  unfinished: {
    pinTitle: 'Welche PIN gilt jetzt?',
    pin: 'Während Ihre PIN geändert wurde, ging die Seite zu, oder die Verbindung fehlte. Es gilt die alte oder die neue. Wählen Sie noch einmal eine, dann wissen Sie es.',
    deletionTitle: 'Das Löschen wurde unterbrochen',
    deletion:
      'Während alles gelöscht wurde, ging die Seite zu, oder die Verbindung fehlte. Ein Teil ist vielleicht schon weg. Die Schlüssel auf diesem Gerät sind noch hier.',
    goOn: 'Weiter, alles löschen',
    keep: 'Halt, behalten, was hier ist',
    signedOut:
      'Das Löschen wurde unterbrochen, und dieses Gerät ist abgemeldet: Ihr Konto ist vielleicht schon weg. Melden Sie sich an, dann sehen Sie es, oder entfernen Sie alles von diesem Gerät.',
    deleted: 'Alles ist gelöscht: Ihre Sicherung, Ihr Konto und die Schlüssel auf diesem Gerät.',
    waitingTitle: 'Jemand will Ihre Sicherung löschen',
    waiting: (time: string) =>
      `Sie wird nach dem ${time} gelöscht, wenn Sie es nicht verhindern. Waren Sie das nicht, dann verhindern Sie es, und ändern Sie Ihre PIN.`,
    stop: 'Löschung verhindern',
    stopped: 'Die Löschung ist verhindert. Ihre Sicherung bleibt.',
    here: 'Weiter mit den Schlüsseln auf diesem Gerät',
    hereHint: 'Sie sind noch nicht gesichert.',
  },
}
