/**
 * Seal keys in a PKCS#11 token, such as a hardware security module. Each is a generic secret that the token made, never
 * gives out, and can destroy; what records are sealed under is its HMAC of a fixed text, which the token works out when a
 * server starts or meets a new epoch. A thief of all files and of the database has no key; one of a running server's
 * memory has those of its epochs.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { KeyhavenError } from 'keyhaven'
import { equal, randomBytes, utf8 } from 'keyhaven/crypto'
import type { SealKeySource } from './source.ts'
import { SEAL_KEY_LENGTH, deriveKeyId } from './source.ts'
import type { TokenAddress } from './token-address.ts'

/** What is used of the package `pkcs11js`, which is installed beside Keyhaven by those who have a token. */
interface Pkcs11 {
  readonly PKCS11: new () => Module
}

type Attributes = { readonly type: number; readonly value: unknown }[]

interface Module {
  load(path: string): void
  C_Initialize(): void
  C_GetSlotList(tokenPresent: boolean): Buffer[]
  C_GetTokenInfo(slot: Buffer): { readonly label: string }
  C_OpenSession(slot: Buffer, flags: number): Buffer
  C_CloseSession(session: Buffer): void
  C_Login(session: Buffer, userType: number, pin: string): void
  C_GenerateKey(session: Buffer, mechanism: { readonly mechanism: number }, template: Attributes): Buffer
  C_FindObjectsInit(session: Buffer, template: Attributes): void
  C_FindObjects(session: Buffer, count: number): Buffer[]
  C_FindObjectsFinal(session: Buffer): void
  C_SignInit(session: Buffer, mechanism: { readonly mechanism: number }, key: Buffer): void
  C_Sign(session: Buffer, data: Buffer, signature: Buffer): Buffer
  C_DestroyObject(session: Buffer, object: Buffer): void
}

// PKCS#11 2.40, pkcs11t.h.
const CKF_SERIAL_SESSION = 0x4
const CKF_RW_SESSION = 0x2
const CKU_USER = 1
const CKO_SECRET_KEY = 4
const CKK_GENERIC_SECRET = 0x10
const CKM_GENERIC_SECRET_KEY_GEN = 0x350
const CKM_SHA256_HMAC = 0x251
const CKA = {
  CLASS: 0x0,
  TOKEN: 0x1,
  PRIVATE: 0x2,
  LABEL: 0x3,
  KEY_TYPE: 0x100,
  ID: 0x102,
  SENSITIVE: 0x103,
  SIGN: 0x108,
  VALUE_LEN: 0x161,
  EXTRACTABLE: 0x162,
} as const

const LABEL = 'keyhaven-realm-seal'
const PURPOSE = utf8('keyhaven/realm-seal/token/v1')
/** More than there are ever epochs that are left. */
const MOST_KEYS = 1000

/** `ERR_START_REFUSED` says what of the token, its module or its PIN is in the way. */
export async function openTokenSealKeys(address: TokenAddress): Promise<SealKeySource> {
  const module = loadModule(address.modulePath)
  const inSession = <Result>(run: (session: Buffer) => Result): Promise<Result> =>
    // The module's calls block; they are few.
    Promise.resolve().then(() => withSession(module, address, run))
  const source: SealKeySource = {
    kind: 'token',
    read: () => inSession((session) => findKeys(module, session).map((key) => derive(module, session, key))),
    make: () => inSession((session) => derive(module, session, generate(module, session))),
    destroy: (keyId) =>
      inSession((session) => {
        for (const key of findKeys(module, session)) {
          const found = deriveKeyId(derive(module, session, key))
          if (equal(found, keyId)) module.C_DestroyObject(session, key)
        }
      }),
  }
  await source.read()
  return source
}

const modules = new Map<string, Module>()

/** A module may be initialized once in a process. */
function loadModule(path: string): Module {
  const known = modules.get(path)
  if (known !== undefined) return known
  const library = requirePackage()
  try {
    const module = new library.PKCS11()
    module.load(path)
    module.C_Initialize()
    modules.set(path, module)
    return module
  } catch {
    return refuse('The PKCS#11 module at module-path could not be loaded.')
  }
}

/** By its name, where Node finds packages for this program. */
function requirePackage(): Pkcs11 {
  try {
    return createRequire(import.meta.url)('pkcs11js') as Pkcs11
  } catch {
    return refuse('The package pkcs11js, which speaks with PKCS#11 tokens, is not installed here.')
  }
}

function withSession<Result>(
  module: Module,
  { label, pinFile }: TokenAddress,
  run: (session: Buffer) => Result,
): Result {
  const session = openSession(module, label)
  try {
    login(module, session, readPin(pinFile))
    return run(session)
  } catch (fault) {
    if (fault instanceof KeyhavenError) throw fault
    return refuse('The PKCS#11 token did not do what was asked.')
  } finally {
    module.C_CloseSession(session)
  }
}

function openSession(module: Module, label: string): Buffer {
  const slot = module.C_GetSlotList(true).find((found) => module.C_GetTokenInfo(found).label.trim() === label)
  if (slot === undefined) refuse('There is no PKCS#11 token of this label.')
  return module.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
}

function readPin(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return refuse('The file at pin-source, which holds the token’s PIN, cannot be read.')
  }
}

function login(module: Module, session: Buffer, pin: string): void {
  try {
    module.C_Login(session, CKU_USER, pin)
  } catch {
    refuse('The PKCS#11 token did not accept the PIN at pin-source.')
  }
}

function generate(module: Module, session: Buffer): Buffer {
  return module.C_GenerateKey(session, { mechanism: CKM_GENERIC_SECRET_KEY_GEN }, [
    ...KIND,
    { type: CKA.ID, value: Buffer.from(randomBytes(16)) },
    { type: CKA.TOKEN, value: true },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.SIGN, value: true },
    { type: CKA.VALUE_LEN, value: SEAL_KEY_LENGTH },
  ])
}

const KIND: Attributes = [
  { type: CKA.CLASS, value: CKO_SECRET_KEY },
  { type: CKA.KEY_TYPE, value: CKK_GENERIC_SECRET },
  { type: CKA.LABEL, value: LABEL },
]

function findKeys(module: Module, session: Buffer): readonly Buffer[] {
  module.C_FindObjectsInit(session, KIND)
  try {
    return module.C_FindObjects(session, MOST_KEYS)
  } finally {
    module.C_FindObjectsFinal(session)
  }
}

function derive(module: Module, session: Buffer, key: Buffer): Uint8Array {
  module.C_SignInit(session, { mechanism: CKM_SHA256_HMAC }, key)
  return new Uint8Array(module.C_Sign(session, Buffer.from(PURPOSE), Buffer.alloc(SEAL_KEY_LENGTH)))
}

function refuse(problem: string): never {
  throw new KeyhavenError('ERR_START_REFUSED', { problem })
}
