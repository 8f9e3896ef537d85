/**
 * A server process that is killed (SIGKILL) in the middle of an operation, beside a place's own server over the same
 * database and keys, which is what stands there once it has been started again.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { randomBytes, toHex } from 'keyhaven/crypto'
import type { Fetch } from 'keyhaven/sync'
import { spawnServer } from '../../packages/server/src/testing/server-process.ts'
import type { ServerProcess } from '../../packages/server/src/testing/server-process.ts'
import { addressOf } from './liars.ts'
import type { Place } from './people.ts'

const started: ServerProcess[] = []
const folders: string[] = []

afterAll(async () => {
  for (const server of started) server.kill('SIGKILL')
  await Promise.all(started.map(({ exited }) => exited))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export interface KillableServer {
  /**
   * A network on which the server is killed at request `at` (from 1): after it has answered, so that the answer is lost,
   * or while it is at it. Nothing is there then.
   */
  killedAt(at: number, when: 'after' | 'during'): { readonly fetch: Fetch; readonly killed: () => boolean }
  /** Resolves when the process has ended. */
  end(): Promise<void>
}

/** Starts a process in the place of the place's own server. */
export async function startKillableServer(place: Place): Promise<KillableServer> {
  const server = await spawnServer({
    data: join(folderOf(place), toHex(randomBytes(4))),
    env: settingsOf(place),
  })
  started.push(server)
  const kill = (): void => {
    server.kill('SIGKILL')
  }
  return {
    killedAt: (at, when) => {
      let taken = 0
      const send: Fetch = async (input, init) => {
        const address = addressOf(input)
        if (!address.startsWith(place.app.origin)) return fetch(input, init)
        taken += 1
        const own = taken
        const path = address.slice(place.app.origin.length)
        const answer = fetch(`http://127.0.0.1:${String(server.port)}${path}`, init)
        if (own < at) return answer
        // While the process ends, nobody listens for how its answer does.
        answer.catch(() => undefined)
        if (own === at && when === 'after') await answer
        kill()
        await server.exited
        return answer
      }
      return { fetch: send, killed: () => taken >= at }
    },
    end: async () => {
      kill()
      await server.exited
    },
  }
}

const settings = new WeakMap<Place, { readonly folder: string; readonly env: Record<string, string> }>()

function folderOf(place: Place): string {
  return preparedFor(place).folder
}

function settingsOf(place: Place): Record<string, string> {
  return preparedFor(place).env
}

/** The database, keys and realm of the place's own server. */
function preparedFor(place: Place): { readonly folder: string; readonly env: Record<string, string> } {
  const known = settings.get(place)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-killable-'))
  chmodSync(folder, 0o711)
  folders.push(folder)
  const { database, keys, origin } = place.app
  const realm = place.configuration.realms.find(({ address }) => address.startsWith(origin))
  const keyFile = (name: keyof typeof keys): string => {
    const path = join(folder, `${name}.key`)
    writeFileSync(path, keys[name], { mode: 0o600 })
    return path
  }
  const env = {
    DATABASE_URL: database.urls.keyhaven_app,
    KEYHAVEN_AUTH_DATABASE_URL: database.urls.keyhaven_auth,
    KEYHAVEN_REALM_DATABASE_URL: database.urls.keyhaven_realm,
    KEYHAVEN_REALM_SEAL_KEY_FILE: keyFile('realmSealKey'),
    KEYHAVEN_PHONE_KEY_FILE: keyFile('phoneKey'),
    KEYHAVEN_TOKEN_KEY_FILE: keyFile('tokenKey'),
    KEYHAVEN_CHAIN_KEY_FILE: keyFile('chainKey'),
    KEYHAVEN_REALM_ID: toHex(realm?.id ?? new Uint8Array()),
    KEYHAVEN_PUBLIC_ORIGIN: 'http://127.0.0.1',
  }
  const prepared = { folder, env }
  settings.set(place, prepared)
  return prepared
}
