/**
 * A real GNOME Keyring, headless, on a D-Bus of its own and with a home of its own: nobody's own keyring is touched.
 * It can be ended and started again, unlocked or locked.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { requirePrograms } from './debian.ts'

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/keyhaven.js', import.meta.url))
const PASSWORD = 'password of the keyring'

/** How the keyring stands while the commands of one session run. */
export type KeyringState = 'unlocked' | 'locked' | 'absent'

export interface SecretService {
  /** Starts bus and keyring, runs the commands of `keyhaven` in turn, ends both; what each command answered. */
  session(state: KeyringState, ...commands: readonly (readonly string[])[]): Promise<readonly Answered[]>
}

export interface Answered {
  readonly exit: number
  readonly answer: unknown
}

/** In `folder`, which a later session finds as this one left it. */
export function openSecretService(folder: string): SecretService {
  requirePrograms({ 'dbus-run-session': 'dbus', 'gnome-keyring-daemon': 'gnome-keyring' })
  const environment = {
    ...process.env,
    HOME: join(folder, 'home'),
    XDG_DATA_HOME: join(folder, 'home/.local/share'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
  }
  for (const path of [environment.HOME, environment.XDG_RUNTIME_DIR]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }
  return {
    session: async (state, ...commands) => {
      const keyhaven = commands.map((words) => [process.execPath, COMMAND, ...words, '--json'])
      const script = [...start(state), ...keyhaven.map((words) => `${words.map(quote).join(' ')}; echo $?`)]
      const output = await run(['dbus-run-session', '--', 'bash', '-c', script.join('\n')], environment)
      const lines = output.trim().split('\n')
      return commands.map((_, index) => ({
        exit: Number(lines[index * 2 + 1]),
        answer: JSON.parse(lines[index * 2] ?? '') as unknown,
      }))
    },
  }
}

/** Without a keyring, the bus must not start one by itself either: it is told of none. */
function start(state: KeyringState): readonly string[] {
  if (state === 'absent') return ['export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent']
  const password = state === 'unlocked' ? PASSWORD : 'another password'
  return [`printf %s ${quote(password)} | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1`]
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/** What the program prints to stdout; the daemons' own words go to stderr, and are left there. */
function run([program = '', ...words]: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout.on('data', (part: Buffer) => (output += part.toString()))
    child.once('error', reject)
    child.once('close', () => {
      resolve(output)
    })
  })
}
