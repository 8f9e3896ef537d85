/** The server's half of logins with `@serenity-kit/opaque`, which npm fetches into a folder of its own; only the bench needs it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Pinned, so that a figure is of something. */
export const OPAQUE = '@serenity-kit/opaque@1.1.0'

async function load() {
  const folder = mkdtempSync(join(tmpdir(), 'keyhaven-bench-'))
  try {
    execFileSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, OPAQUE],
      {
        stdio: 'ignore',
        shell: process.platform === 'win32',
      },
    )
    const opaque = createRequire(join(folder, 'index.js'))('@serenity-kit/opaque')
    await opaque.ready
    return opaque
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A function that does what the server does for one login: it answers the first message and checks the second. */
export async function createOpaqueLogin() {
  const { client, server } = await load()
  const [userIdentifier, password] = ['person', '493817']
  const serverSetup = server.createSetup()
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup,
    userIdentifier,
    registrationRequest,
  })
  const { registrationRecord } = client.finishRegistration({
    clientRegistrationState,
    registrationResponse,
    password,
  })
  const { clientLoginState, startLoginRequest } = client.startLogin({ password })
  const start = { serverSetup, userIdentifier, registrationRecord, startLoginRequest }
  const { serverLoginState, loginResponse } = server.startLogin(start)
  const finished = client.finishLogin({ clientLoginState, loginResponse, password })
  if (finished === undefined) throw new Error('The login failed.')
  const { finishLoginRequest, sessionKey } = finished
  return () => {
    server.startLogin(start)
    const done = server.finishLogin({ serverLoginState, finishLoginRequest })
    if (done.sessionKey !== sessionKey) throw new Error('The login failed.')
  }
}
