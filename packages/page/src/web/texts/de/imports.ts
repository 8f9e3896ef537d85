/** Keys from other apps, in German. */
import type { WordsOf } from '../en.ts'
import type { imports as english } from '../en/imports.ts'

export const imports: WordsOf<typeof english> = {
  imports: {
    choices: {
      qryptchat: 'Eine Datei von QryptChat mitbringen',
      qryptchatHint: 'Die Datei aus den Einstellungen dort und das Passwort, das Sie ihr gaben.',
      pubpay: 'Ihren Schlüssel von PubPay übernehmen',
      pubpayHint: 'PubPay hat in diesem Browser einen Schlüssel. Er zieht hierher um und wird gesichert.',
    },
    elsewhere: (count: number) =>
      count === 1 ? '1 Schlüssel von QryptChat' : `${String(count)} Schlüssel von QryptChat`,
    qryptchat: {
      lead: 'Die Datei bleibt, wie sie ist, und bleibt auf diesem Gerät.',
      choose: 'Datei wählen',
      password: 'Passwort der Datei',
      open: 'Datei öffnen',
      none: 'Wählen Sie zuerst die Datei.',
      malformed:
        'Das ist keine Datei aus den Einstellungen von QryptChat, oder sie ist beschädigt. Nichts wurde übernommen.',
      row: 'Das stammt aus der Datenbank von QryptChat, nicht aus seinen Einstellungen. Hier lässt es sich nicht öffnen.',
      rejected:
        'Das Passwort öffnet diese Datei nicht, oder sie ist beschädigt. Bei QryptChat lässt sich das nicht unterscheiden.',
      mismatch:
        'Ein Schlüssel in dieser Datei passt nicht zum öffentlichen Schlüssel daneben. Nichts wurde übernommen.',
      conflict: 'Hier sind schon andere Schlüssel von QryptChat. Nichts wurde geändert.',
      imported: (count: number) => `${String(count)} Schlüssel ${count === 1 ? 'ist' : 'sind'} jetzt hier.`,
    },
    pubpay: {
      lead: 'Sobald Ihr Schlüssel hier gesichert ist, wird die Kopie von PubPay aus diesem Browser entfernt.',
      password: 'Passwort, das Sie PubPay gaben',
      rejected:
        'Das Passwort öffnet den Schlüssel nicht, oder er ist beschädigt. Bei PubPay lässt sich das nicht unterscheiden.',
      damaged: 'Was PubPay hinterließ, ist beschädigt und lässt sich nicht öffnen. Es blieb, wie es ist.',
      keyMissing:
        'Ein Teil dessen, was PubPay hinterließ, fehlt in diesem Browser, also lässt es sich nicht öffnen. Bringen Sie Ihren Schlüssel als Text mit, falls Sie ihn haben.',
      mismatch:
        'Der Schlüssel von PubPay passt nicht zum öffentlichen Schlüssel daneben. Er blieb, wie er ist.',
      title: 'PubPay hat in diesem Browser einen Schlüssel',
      move: 'Hierher holen',
    },
  },
}
