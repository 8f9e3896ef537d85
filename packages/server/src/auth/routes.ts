/**
 * Routes of "Sign-in" and "Realm tokens" (docs/protocol.md).
 */
import type { Hono, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { parseHex, toBase64 } from 'keyhaven/crypto'
import { done } from '../access-log/events.ts'
import type { Transaction } from '../db/database.ts'
import { whenAnswered } from '../http/answered.ts'
import { readJson } from '../http/body.ts'
import { addressBlock } from '../http/origin.ts'
import { Refusal } from '../http/refusal.ts'
import { readProof } from '../http/proof-header.ts'
import { addRoute } from '../http/routes.ts'
import type { ApiHandler } from '../http/routes.ts'
import type { ApiEnv, Services } from '../http/services.ts'
import { id16, id32, labelShape, proofHeader, realmIdsShape } from '../http/shapes.ts'
import {
  codeAnswer,
  outsideAnswer,
  phoneAnswer,
  realmTokensAnswer,
  refreshedAnswer,
  signedInAnswer,
  tenantAnswer,
} from '../openapi/answers.ts'
import { signInOutside } from './issuers/sign-in.ts'
import type { VerifyOutsideToken } from './issuers/verify.ts'
import { changePhone, requirePhoneProof } from './change-phone.ts'
import { parsePhone } from './phone.ts'
import { REALM_TOKEN_KEY_NAME, deriveRealmSubject, sealRealmContext, signRealmToken } from './realm-token.ts'
import { refreshSession } from './sessions.ts'
import { CODE_LIFETIME_SECONDS } from './sign-in-code.ts'
import { requestCode, verifyCode } from './sign-in.ts'
import { asActor, requireSignIn } from './signed-in.ts'

const phoneText = z.string().min(1).max(64)
const codeShape = z.string().regex(/^[0-9]{6}$/)
const codeBody = z.object({ phone: phoneText, level: id32.optional(), deviceId: id16.optional() })
const verifyBody = z.object({
  phone: phoneText,
  level: id32.optional(),
  requestId: id16,
  code: codeShape,
  device: z.object({ id: id16, label: labelShape }),
})
const phoneBody = z.object({ phone: phoneText, level: id32.optional(), requestId: id16, code: codeShape })
const outsideBody = z.object({
  token: z.string().min(1).max(8192),
  device: z.object({ id: id16, label: labelShape }),
})
const refreshBody = z.object({ refreshToken: z.string().min(1).max(512) })
const realmTokensBody = z.object({
  registration: id16,
  realmIds: realmIdsShape,
})

/** Adds the routes. */
export function addAuthRoutes(app: Hono<ApiEnv>, services: Services): void {
  addSessionRoutes(app, services)
  addTokenRoutes(app, services)
}

function addSessionRoutes(app: Hono<ApiEnv>, services: Services): void {
  const { verifyOutsideToken } = services
  if (verifyOutsideToken !== undefined) addIssuerRoute(app, services, verifyOutsideToken)
  app.post('/v1/auth/code', boundAddress(services))
  addRoute(app, '/v1/auth/code', {
    POST: {
      summary: 'Has a sign-in code sent to a phone number.',
      body: codeBody,
      answers: { 202: codeAnswer },
      handle: postCode(services),
    },
  })
  app.post('/v1/auth/verify', boundAddress(services))
  addRoute(app, '/v1/auth/verify', {
    POST: {
      summary: 'Shows a sign-in code and begins a session.',
      body: verifyBody,
      answers: { 200: signedInAnswer },
      handle: postVerify(services),
    },
  })
  addRoute(app, '/v1/auth/refresh', {
    POST: {
      summary: 'Continues a session.',
      body: refreshBody,
      answers: { 200: refreshedAnswer },
      handle: postRefresh(services),
    },
  })
  app.post('/v1/auth/logout', requireSignIn(services))
  addRoute(app, '/v1/auth/logout', {
    POST: {
      summary: 'Ends the session.',
      admits: 'session',
      answers: { 204: null },
      handle: postLogout(services),
    },
  })
}

/** Only where the operator has named an issuer. */
function addIssuerRoute(app: Hono<ApiEnv>, services: Services, verify: VerifyOutsideToken): void {
  app.post('/v1/auth/issuer', boundAddress(services))
  addRoute(app, '/v1/auth/issuer', {
    POST: {
      summary: 'Shows a token of an outside issuer and begins a session.',
      body: outsideBody,
      answers: { 200: outsideAnswer },
      handle: postIssuer(services, verify),
    },
  })
}

function addTokenRoutes(app: Hono<ApiEnv>, services: Services): void {
  app.post('/v1/phone', requireSignIn(services))
  addRoute(app, '/v1/phone', {
    POST: {
      summary: 'Gives the account another phone number.',
      admits: 'session',
      headers: proofHeader,
      body: phoneBody,
      answers: { 200: phoneAnswer },
      handle: postPhone(services),
    },
  })
  app.post('/v1/realm-tokens', requireSignIn(services))
  addRoute(app, '/v1/realm-tokens', {
    POST: {
      summary: 'Gives tokens for realms about a registration of the account.',
      admits: 'session',
      body: realmTokensBody,
      answers: { 200: realmTokensAnswer },
      handle: postRealmTokens(services),
    },
  })
  addRoute(app, '/v1/realm-tenant', {
    GET: {
      summary: 'Tells other operators’ realms the key of this server’s tokens.',
      answers: { 200: tenantAnswer },
      handle: getRealmTenant(services),
    },
  })
}

/** Refuses an address that floods sign-in before anything is read or asked of the database. */
function boundAddress(services: Services): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const address = addressBlock(context.get('origin').address)
    whenAnswered(context.env.outgoing, services.signInTraffic.enter(address, services.now()))
    await next()
  }
}

/** What other operators' realms have to know of this server's tokens, in the shape of `KEYHAVEN_TENANTS`. */
function getRealmTenant(services: Services): ApiHandler {
  const [tenant = '', version = ''] = REALM_TOKEN_KEY_NAME.split(':')
  const data = toBase64(services.keys.realmToken.publicKeySpki)
  const key = { algorithm: 'EdDSA', encoding: 'base64', data }
  return (context) => context.json({ [tenant]: { [version]: key } })
}

function postCode(services: Services): ApiHandler {
  return async (context) => {
    const { phone: text, ...asked } = await readJson(context, codeBody)
    const phone = parsePhone(text)
    const requestId = await requestCode(services, { phone, ...asked, origin: context.get('origin') })
    return context.json({ requestId, expiresInSeconds: CODE_LIFETIME_SECONDS }, 202)
  }
}

function postVerify(services: Services): ApiHandler {
  return async (context) => {
    const body = await readJson(context, verifyBody)
    const phone = parsePhone(body.phone)
    const { accountId, ...tokens } = await verifyCode(services, {
      phone,
      level: body.level,
      requestId: body.requestId,
      code: body.code,
      device: body.device,
      origin: context.get('origin'),
    })
    return context.json({ accountId, phone, ...tokens })
  }
}

function postIssuer(services: Services, verify: VerifyOutsideToken): ApiHandler {
  return async (context) => {
    const { token, device } = await readJson(context, outsideBody)
    const identity = await verify(token)
    const origin = context.get('origin')
    return context.json({ ...(await signInOutside(services, { identity, device, origin })) })
  }
}

function postRefresh(services: Services): ApiHandler {
  return async (context) => {
    const { refreshToken } = await readJson(context, refreshBody)
    const tokens = await refreshSession(services, { refreshToken, origin: context.get('origin') })
    return context.json({
      accessToken: tokens.accessToken,
      accessTokenExpiresInSeconds: tokens.accessTokenExpiresInSeconds,
      refreshToken: tokens.refreshToken,
    })
  }
}

function postLogout(services: Services): ApiHandler {
  return async (context) => {
    await asActor(services, context, {
      type: 'signed_out',
      run: async (transaction, actor) => {
        await transaction.query(
          'UPDATE app.sessions SET ended_at = $3 WHERE user_id = $1 AND session_id = $2',
          [actor.accountId, actor.sessionId, actor.time],
        )
        await actor.record(done('signed_out'))
      },
    })
    return context.body(null, 204)
  }
}

function postPhone(services: Services): ApiHandler {
  return async (context) => {
    const body = await readJson(context, phoneBody)
    const proof = readProof(context)
    const actor = await asActor(services, context, {
      type: 'phone_changed',
      run: async (transaction, known) => {
        await requirePhoneProof(transaction, known, { ...body, proof })
        return known
      },
    })
    const change = { ...body, proof }
    const phone = await changePhone(services, actor, { change, origin: context.get('origin') })
    return context.json({ phone })
  }
}

function postRealmTokens(services: Services): ApiHandler {
  return async (context) => {
    const { registration, realmIds } = await readJson(context, realmTokensBody)
    const { accountId, deviceId } = context.get('claims')
    await asActor(services, context, {
      type: 'realm_token_issued',
      run: async (transaction, actor) => {
        if (!(await ownsRegistration(transaction, { accountId, registration }))) {
          throw new Refusal('ERR_NOT_FOUND')
        }
        await actor.record(done('realm_token_issued'))
      },
    })
    const subject = deriveRealmSubject({ accountId, registration })
    const sealed = await sealRealmContext({ accountId, deviceId }, services.keys.realmContext)
    const tokens = await Promise.all(
      realmIds.map(async (realmId) => {
        const token = {
          subject,
          realmId,
          context: sealed,
          key: services.keys.realmToken,
          now: services.now(),
        }
        return [realmId, await signRealmToken(token)] as const
      }),
    )
    return context.json({ tokens: Object.fromEntries(tokens) })
  }
}

/** True for the pointer's registration, the pending one, and those still to be deleted. */
async function ownsRegistration(
  transaction: Transaction,
  input: { readonly accountId: string; readonly registration: string },
): Promise<boolean> {
  const { rows } = await transaction.query<{ owned: boolean }>(
    `SELECT EXISTS (SELECT FROM app.pointers WHERE user_id = $1 AND registration = $2)
         OR EXISTS (SELECT FROM app.pending_changes WHERE user_id = $1 AND registration = $2)
         OR EXISTS (SELECT FROM app.retired_registrations WHERE user_id = $1 AND registration = $2) AS owned`,
    [input.accountId, parseHex(input.registration, 'registration', 16)],
  )
  return rows[0]?.owned === true
}
