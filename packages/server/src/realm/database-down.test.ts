import { expect, it } from 'vitest'
import { randomBytes, utf8 } from 'keyhaven/crypto'
import type { PinOptions } from 'keyhaven/recovery'
import { recover, register } from 'keyhaven/recovery'
import type { Fleet } from './testing/server-fleet.ts'
import { configurationOf, createFleet, fleetTransport, freshSubject } from './testing/server-fleet.ts'

/** Takes the realm's way to its database, and the connections that it has, or gives it back. */
async function setAway(fleet: Fleet, away: boolean): Promise<void> {
  const change = away ? 'REVOKE CONNECT ON DATABASE %I FROM' : 'GRANT CONNECT ON DATABASE %I TO'
  await fleet.database.asSuperuser(
    `DO $$ BEGIN EXECUTE format('${change} keyhaven_realm', current_database()); END $$`,
  )
  await fleet.database.asSuperuser(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE usename = 'keyhaven_realm' AND datname = current_database()`,
  )
}

it('a database that is away is a coded 503 and no lost guess, and it comes back by itself', async () => {
  const fleet = await createFleet()
  const server = await fleet.start()
  const subject = freshSubject()
  const options: PinOptions = {
    configuration: configurationOf(server),
    transport: fleetTransport(fleet, subject),
    userInfo: utf8('person'),
    pin: utf8('000000'),
  }
  const secret = randomBytes(8)
  await register({ ...options, pin: utf8('493817'), secret, numGuesses: 3 })
  await setAway(fleet, true)
  const response = await fetch(`${server.origin}/realm/req`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await fleet.token(server.realmId, subject)}`,
      'X-Juicebox-Version': '0.3.0',
    },
    body: new Uint8Array([0x68, ...utf8('Recover1')]),
  })
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([503, '*'])
  expect(await response.json()).toMatchObject({ error: { code: 'ERR_DATABASE_UNAVAILABLE' } })
  await expect(recover(options)).rejects.toMatchObject({ code: 'ERR_REALMS_UNAVAILABLE' })
  await setAway(fleet, false)
  expect(await recover(options)).toMatchObject({ status: 'wrong-pin', guessesRemaining: 2 })
  expect(await recover({ ...options, pin: utf8('493817') })).toMatchObject({ status: 'recovered', secret })
})
