/**
 * Routes of "Devices" (docs/protocol.md).
 */
import type { Hono } from 'hono'
import { z } from 'zod'
import { asActor, requireSignIn } from '../auth/signed-in.ts'
import { readJson, readParameter } from '../http/body.ts'
import { readProof } from '../http/proof-header.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import { id16, labelShape, proofHeader } from '../http/shapes.ts'
import { devicesAnswer } from '../openapi/answers.ts'
import { removeDevice, renameDevice } from './change-device.ts'
import { listDevices } from './devices.ts'

const renameBody = z.object({ label: labelShape })

/** Adds the routes. */
export function addDeviceRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.use('/v1/devices/*', requireSignIn(services))
  addRoute(app, '/v1/devices', {
    GET: {
      summary: 'Lists the account’s devices.',
      admits: 'session',
      answers: { 200: devicesAnswer },
      handle: getDevices(services),
    },
  })
  addRoute(app, '/v1/devices/:id', {
    PATCH: {
      summary: 'Gives a device another label.',
      admits: 'session',
      path: { id: id16 },
      body: renameBody,
      answers: { 204: null },
      handle: patchDevice(services),
    },
    DELETE: {
      summary: 'Removes a device.',
      admits: 'session',
      path: { id: id16 },
      headers: proofHeader,
      answers: { 204: null },
      handle: deleteDevice(services),
    },
  })
}

function getDevices(services: Services): ApiHandler {
  return async (context) => {
    const devices = await asActor(services, context, {
      run: (transaction, { accountId, time }) => listDevices(transaction, { accountId, time }),
    })
    return context.json({ devices })
  }
}

function patchDevice(services: Services): ApiHandler {
  return async (context) => {
    const deviceId = readParameter(context, 'id')
    const { label } = await readJson(context, renameBody)
    await asActor(services, context, {
      type: 'device_renamed',
      run: (transaction, actor) => renameDevice(transaction, actor, { deviceId, label }),
    })
    return context.body(null, 204)
  }
}

function deleteDevice(services: Services): ApiHandler {
  return async (context) => {
    const deviceId = readParameter(context, 'id')
    const proof = readProof(context)
    await asActor(services, context, {
      type: 'device_removed',
      run: (transaction, actor) => removeDevice(transaction, actor, { deviceId, proof }),
    })
    return context.body(null, 204)
  }
}
