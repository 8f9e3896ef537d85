/** The ways in beside the PIN, in German. */
import type { WordsOf } from '../en.ts'
import type { waysIn as english } from '../en/ways-in.ts'

export const waysIn: WordsOf<typeof english> = {
  spare: {
    title: 'Falls Sie Ihre PIN vergessen',
    lead: 'Niemand kann Ihnen Ihre PIN nennen oder eine andere geben. Eines von beiden bringt Ihre Schlüssel ohne sie zurück.',
    code: 'Wiederherstellungs-Code machen',
    codeKept: 'Sie haben einen Wiederherstellungs-Code und haben ihn richtig aufgeschrieben.',
    kit: 'Notfall-Datei machen',
    kitKept: 'Sie haben eine Notfall-Datei.',
  },
  recoveryCode: {
    title: 'Ein Wiederherstellungs-Code',
    lead: 'Ein Code für Papier. Mit ihm und Ihrer Telefonnummer bekommen Sie Ihre Schlüssel ohne die PIN zurück.',
    warning:
      'Wer den Code hat und sich mit Ihrer Nummer anmelden kann, bekommt Ihre Schlüssel auch. Bewahren Sie ihn nicht beim Telefon auf.',
    make: 'Code zeigen',
    shownTitle: 'Schreiben Sie Ihren Code auf',
    shownLead: 'Sieben Gruppen zu vier Zeichen. Sie erscheinen nur jetzt, nehmen Sie also Stift und Papier.',
    written: 'Ich habe ihn aufgeschrieben',
    checkTitle: 'Was steht auf Ihrem Papier?',
    checkLead: 'Geben Sie zwei der Gruppen ein. Dann wissen Sie, dass das Papier stimmt.',
    group: (number: string) => `Gruppe ${number}`,
    wrong: 'Das ist eine andere Gruppe. Sehen Sie noch einmal auf Ihr Papier oder auf den Code.',
    checkGo: 'Vergleichen',
    look: 'Code noch einmal zeigen',
    discard: 'Ich will diesen Code nicht',
  },
  kit: {
    title: 'Eine Notfall-Datei',
    lead: 'Eine Datei oder ein gedrucktes Blatt, das Ihre Schlüssel ohne die PIN zurückbringt, zusammen mit Ihrer Passphrase.',
    warning:
      'Wer die Datei bekommt, kann Passphrasen probieren, so oft er will. Nehmen Sie also eine lange: fünf oder mehr Wörter, die nicht zusammengehören. Bewahren Sie sie nicht bei der Datei auf. Niemand kann sie ersetzen.',
    newPassphrase: 'Passphrase für die Datei',
    passphraseHint: 'Sie brauchen sie wieder, zusammen mit der Datei.',
    again: 'Dieselbe Passphrase noch einmal',
    differs: 'Die beiden sind nicht gleich.',
    make: 'Notfall-Datei machen',
    making: 'Das Verschließen dauert ein paar Sekunden …',
    madeTitle: 'Ihre Notfall-Datei',
    madeLead:
      'Speichern Sie sie, wo Sie sie wiederfinden, oder drucken Sie das Blatt. Sie erscheint nicht noch einmal.',
    save: 'Datei speichern',
    print: 'Blatt drucken',
    done: 'Ich habe sie',
    discard: 'Ich will diese Datei nicht',
    sheetTitle: 'Keyhaven: Ihre Notfall-Datei',
    sheetMade: (day: string, address: string) => `Gemacht am ${day} für ${address}.`,
    sheetUse:
      'Öffnen Sie auf einem neuen Gerät diese Adresse, melden Sie sich an und wählen Sie „Mit einer Notfall-Datei“. Lesen Sie das Bild mit der Kamera, oder tippen Sie den Text ab, und geben Sie die Passphrase ein. Sie steht nicht auf diesem Blatt.',
    picture: 'Die Notfall-Datei als Bild, für eine Kamera',
    text: 'Die Notfall-Datei als Text',
  },
  without: {
    title: 'Andere Wege',
    go: {
      pin: 'Mit der PIN',
      link: 'Von einem Gerät, das meine Schlüssel hat',
      'recovery-code': 'Mit einem Wiederherstellungs-Code',
      kit: 'Mit einer Notfall-Datei',
      passkey: 'Mit einem Passkey',
      contacts: 'Mit meinen Vertrauten',
      second: 'Mit einer zweiten PIN',
    },
    open: 'Schlüssel holen',
    unknown:
      'Dieser Weg gilt nicht mehr, oder er gehört zu einem anderen Konto. Ihre Schlüssel sind sicher, nehmen Sie einen anderen Weg.',
    passkeyCancelled: 'Es wurde kein Passkey benutzt. Noch einmal, oder nehmen Sie einen anderen Weg.',
    noPasskey:
      'Dieses Gerät hat keinen Passkey, der Ihre Schlüssel holen kann. Nehmen Sie einen anderen Weg.',
    code: {
      title: 'Wiederherstellungs-Code eingeben',
      lead: 'Die sieben Gruppen aus Buchstaben und Ziffern, die Sie aufgeschrieben haben.',
      label: 'Wiederherstellungs-Code',
      hint: 'Groß oder klein, mit oder ohne Leerzeichen.',
      problems: {
        characters: 'Darin ist ein Zeichen, das in keinem Code vorkommt. Nichts wurde versucht.',
        length: 'Ein Code hat 28 Buchstaben und Ziffern. Nichts wurde versucht.',
        check:
          'Etwas darin ist vertippt. Vergleichen Sie noch einmal mit Ihrem Papier. Nichts wurde versucht.',
      },
    },
    kit: {
      title: 'Notfall-Datei öffnen',
      lead: 'Die Datei, die Sie gespeichert haben, oder der Text auf dem gedruckten Blatt, und die Passphrase dazu.',
      choose: 'Datei wählen',
      text: 'Text der Notfall-Datei',
      textHint: 'Kommt aus der Datei von selbst. Vom Papier: das Bild einlesen oder den Text abtippen.',
      passphrase: 'Passphrase der Notfall-Datei',
      opening: 'Das Öffnen dauert ein paar Sekunden …',
      noKit: 'Das ist keine Notfall-Datei. Ist sie vollständig?',
      rejected: 'Die Passphrase öffnet diese Notfall-Datei nicht, oder die Datei ist beschädigt.',
    },
    forgotten: 'Haben Sie Ihre PIN vergessen?',
    forgottenLead: 'Sie können jetzt eine neue wählen. Die alte öffnet dann nichts mehr.',
    newPin: 'Neue PIN wählen',
  },
  waysIn: {
    title: 'Wege zu Ihren Schlüsseln',
    lead: 'Jeder davon öffnet Ihre Sicherung allein, sobald sich jemand mit Ihrer Nummer angemeldet hat.',
    types: {
      pin: 'PIN',
      device: 'Gerät',
      'recovery-code': 'Wiederherstellungs-Code',
      kit: 'Notfall-Datei',
      passkey: 'Passkey',
      contacts: 'Vertraute',
    },
    otherType: 'Ein anderer Weg',
    pinStays: 'Lässt sich ändern, nicht entfernen: So bleibt immer ein Weg.',
    thisDevice: 'dieses Gerät',
    remove: 'Außer Gebrauch nehmen',
    removeTitle: (name: string) => `${name}: außer Gebrauch nehmen?`,
    removeLead:
      'Was Sie von jetzt an sichern, ist ihm verschlossen; wer ihn hat und eine Kopie Ihrer Sicherung von früher, kann diese Kopie aber weiter lesen.',
    removeYes: 'Ja, außer Gebrauch nehmen',
    addDevice: 'Gerät hinzufügen',
    addPasskey: 'Passkey machen',
    passkeyMade: 'Der Passkey ist da. Er bringt Ihre Schlüssel auf jedes Gerät, das ihn hat.',
    noPasskey: 'Dieses Gerät kann dafür keinen Passkey machen. Nehmen Sie einen anderen Weg.',
  },
  link: {
    newTitle: 'Schlüssel von einem anderen Gerät holen',
    newLead:
      'Nehmen Sie ein Gerät, das Ihre Schlüssel hat. Öffnen Sie dort Keyhaven, dann Sicherheit, dann „Gerät hinzufügen“, und drücken Sie „Neues Gerät finden“.',
    scan: 'Oder lassen Sie es dieses Bild lesen',
    scanLead: 'Mit seiner Kamera. Zeigen Sie das Bild sonst niemandem.',
    picture: 'Bild für die Kamera des Geräts, das Ihre Schlüssel hat',
    asText: 'Als Text zeigen, zum Kopieren',
    waiting: 'Wartet auf das andere Gerät. Das geht fünf Minuten lang.',
    oldTitle: 'Gerät hinzufügen',
    oldLead:
      'Melden Sie sich auf dem neuen Gerät mit Ihrer Nummer an und wählen Sie „Von einem Gerät, das meine Schlüssel hat“. Dann hier weiter.',
    warning:
      'Was Sie hereinlassen, hat alle Ihre Schlüssel. Lassen Sie nur Ihr eigenes Gerät herein, das vor Ihnen liegt.',
    find: 'Neues Gerät finden',
    code: 'Text vom neuen Gerät',
    codeHint:
      'Kommt von selbst, wenn Sie sein Bild lesen. Sonst lassen Sie das Feld leer und vergleichen Ziffern.',
    noCode:
      'Das ist nicht der Text, den das neue Gerät zeigt. Kopieren Sie alles, oder lassen Sie das Feld leer.',
    letIn: 'Hereinlassen',
    letInNot: 'Nein, draußen lassen',
    isItYours: 'Ist das Ihr neues Gerät?',
    compare: 'Zeigen beide Geräte diese Ziffern?',
    claims: (label: string) => `Das neue Gerät nennt sich „${label}“.`,
    compareLead:
      'Sind sie verschieden, steht jemand dazwischen. Sagen Sie dann nein, und nichts wird hereingelassen.',
    same: 'Ja, es sind dieselben',
    differ: 'Nein, sie sind verschieden',
    otherYes: 'Sagen Sie jetzt auch auf dem anderen Gerät ja.',
    linked: (label: string) => `„${label}“ hat jetzt Ihre Schlüssel.`,
    refused: 'Eines der beiden Geräte hat nein gesagt. Nichts wurde hereingelassen.',
    expired:
      'Die Zeit war um, oder ein anderes Gerät kam dazwischen. Nichts wurde hereingelassen. Beginnen Sie am neuen Gerät noch einmal.',
    'no-offer':
      'Es wartet kein Gerät. Wählen Sie zuerst am neuen „Von einem Gerät, das meine Schlüssel hat“.',
    forged:
      'Angehalten: Was ankam, hat das andere Gerät nicht geschickt. Vielleicht steht jemand dazwischen. Nichts wurde hereingelassen.',
  },
  guards: {
    title: 'Wer Ihre PIN bewacht',
    one: 'Ein Server bewacht Ihre PIN: dieser. Er zählt falsche Versuche und kann die PIN nicht lesen. Wenn sich seine Betreiber gegen Sie wenden und Ihre PIN kurz ist, könnten sie sie finden. Eine PIN aus mehreren Wörtern bleibt ihnen verschlossen.',
    many: (count: string, servers: string, operators: string) =>
      `${count} Server bewachen Ihre PIN. Sie zählen falsche Versuche und können sie nicht lesen. Nur ${servers} davon zusammen, mit ${operators} oder mehr verschiedenen Betreibern, könnten PINs probieren, ohne dass es zählt; weniger erfahren nichts.`,
    unnamed: 'betrieben von denen, die diese Seite betreiben',
  },
}
