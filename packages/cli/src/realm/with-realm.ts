/** What the commands of a realm's operator have in common: the settings of `keyhaven serve`, and the realm that they name. */
import type { RealmOperator } from '@keyhaven/server'
import type { Invocation, OptionDefinition } from '../command-line/command.ts'

export const REALM_OPTIONS: Readonly<Record<string, OptionDefinition>> = {
  data: { value: 'DIR', summary: 'the server’s data directory', default: './keyhaven-data' },
}

/** A paragraph for the help pages. */
export const REALM_SETTINGS =
  'Takes the data directory and the environment of "keyhaven serve", and works while servers run as well as while none does.'

/** Opens the realm for `work` and closes it, whatever happens. */
export async function withRealm<Result>(
  invocation: Invocation,
  work: (realm: RealmOperator) => Promise<Result>,
): Promise<Result> {
  const { openRealmOperator, parseRealmSettings } = await import('@keyhaven/server')
  const { environment: env, signal } = invocation
  const settings = parseRealmSettings({ options: { data: invocation.option('data') }, env })
  invocation.progress.show('Opening the realm …')
  const realm = await openRealmOperator(settings, { signal })
  try {
    return await work(realm)
  } finally {
    await realm.close()
    invocation.progress.clear()
  }
}
