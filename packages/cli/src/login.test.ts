import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { closeServer, listenOnLoopback } from './demo/capture-proxy.ts'
import {
  collect,
  ended,
  run,
  runJson,
  runProcessJson,
  startCommand,
  temporaryFolder,
} from './testing/command.ts'
import { startServer } from './testing/server.ts'
import type { TestServer } from './testing/server.ts'

/** Many processes, one after another, on a machine that may be busy. */
const SLOW = { timeout: 900_000 }

let server: TestServer

beforeAll(async () => {
  server = await startServer()
  return () => server.stop()
})

test('login asks for the code, takes it from stdin in one step, and says which realm the device relies on', async () => {
  const home = join(await temporaryFolder(), 'home')
  const earlier = server.codeCount()
  const child = startCommand([
    'login',
    '--home',
    home,
    '--server',
    server.origin,
    '--phone',
    '+1 (202) 555-0120',
  ])
  const output = collect(child)
  const end = ended(child)
  child.stdin?.write(`${await server.code(earlier)}\n`)
  expect(await end).toBe(0)
  expect(output().stdout).toContain('Signed in as +12025550120')
  expect(output().stdout).toContain(`relies on 1 realm, ${server.realmId} at ${server.origin}/realm/`)
})

test('login in two steps takes the code from a file, with or without naming server and phone again', async () => {
  const folder = await temporaryFolder()
  const named = ['--server', server.origin, '--phone', '+12025550121']
  for (const [name, again] of [
    ['a', []],
    ['b', named],
  ] as const) {
    const [home, codeFile] = [join(folder, name), join(folder, `${name}.code`)]
    const earlier = server.codeCount()
    const asked = await runProcessJson(['login', '--request', '--home', home, ...named])
    expect(asked).toMatchObject({ exit: 0, answer: { status: 'code-sent', expiresInSeconds: 300 } })
    await writeFile(codeFile, `${await server.code(earlier)}\n`)
    const done = await runProcessJson(['login', '--home', home, '--code-file', codeFile, ...again])
    expect(done).toMatchObject({ exit: 0, answer: { status: 'signed-in', phone: '+12025550121' } })
    expect(server.codeCount()).toBe(earlier + 1)
  }
})

test('a wrong code, a number that is none, and a server that is none are told apart', SLOW, async () => {
  const folder = await temporaryFolder()
  const home = join(folder, 'home')
  const named = ['--home', home, '--server', server.origin, '--phone', '+12025550122']
  const earlier = server.codeCount()
  await run(['login', '--request', ...named])
  const code = await server.code(earlier)
  const wrong = await runProcessJson(['login', '--code-stdin', '--home', home], {
    stdin: code === '000000' ? '000001' : '000000',
  })
  expect(wrong).toMatchObject({ exit: 6, answer: { error: { code: 'ERR_CODE_REJECTED' } } })
  const right = await runJson(['login', '--code-stdin', '--home', home], { stdin: code })
  expect(right).toMatchObject({ exit: 0, answer: { status: 'signed-in' } })

  const cases: [string[], number, string][] = [
    [['--server', server.origin, '--phone', 'home'], 2, 'ERR_PHONE_INVALID'],
    [['--server', 'keys.example', '--phone', '+12025550122'], 2, 'ERR_USAGE'],
    [['--server', `${server.origin}/path`, '--phone', '+12025550122'], 2, 'ERR_USAGE'],
    [['--server', 'http://192.0.2.1', '--phone', '+12025550122'], 2, 'ERR_INSECURE_TRANSPORT'],
    [['--server', 'http://127.0.0.1:1', '--phone', '+12025550122'], 7, 'ERR_SERVER_UNAVAILABLE'],
    [['--phone', '+12025550122'], 2, 'ERR_USAGE'],
    [['--server', server.origin], 2, 'ERR_USAGE'],
  ]
  for (const [index, [words, exit, name]] of cases.entries()) {
    const refused = await runJson(['login', '--request', '--home', join(folder, String(index)), ...words])
    expect(refused).toMatchObject({ exit, answer: { error: { code: name } } })
  }
})

test(
  'server and realms are fixed by the first sign-in: others are refused, and so is a server that shows another realm',
  SLOW,
  async () => {
    const folder = await temporaryFolder()
    const [home, other, realms] = [join(folder, 'home'), join(folder, 'other'), join(folder, 'realms.json')]
    await server.signIn(home, '+12025550123')
    const elsewhere = ['--server', 'http://127.0.0.1:1', '--phone', '+12025550123']
    expect(await runJson(['login', '--request', '--home', home, ...elsewhere])).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_SERVER_PINNED' } },
    })
    const configuration = {
      realms: [{ id: 'ab'.repeat(16), address: `${server.origin}/realm/` }],
      register_threshold: 1,
      recover_threshold: 1,
      pin_hashing_mode: 'Standard2019',
    }
    await writeFile(realms, JSON.stringify(configuration))
    expect(await runJson(['login', '--request', '--home', home, '--realms', realms])).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_REALMS_PINNED' } },
    })
    const status = await runJson(['status', '--home', home])
    expect(status.answer).toMatchObject({ realms: { realms: [{ id: server.realmId }] } })

    const named = ['--home', other, '--server', server.origin, '--phone', '+12025550124']
    const earlier = server.codeCount()
    await run(['login', '--request', '--realms', realms, ...named])
    const done = await runJson(['login', '--code-stdin', '--home', other], {
      stdin: await server.code(earlier),
    })
    expect(done).toMatchObject({ exit: 0, answer: { realms: configuration } })
    expect(await runProcessJson(['login', '--request', ...named])).toMatchObject({
      exit: 10,
      answer: { error: { code: 'ERR_REALMS_PINNED' } },
    })
  },
)

test.each([
  ['no JSON', '{', 'ERR_CONFIGURATION_INVALID'],
  [
    'no realms',
    '{"realms":[],"register_threshold":1,"recover_threshold":1,"pin_hashing_mode":"Standard2019"}',
    'ERR_CONFIGURATION_INVALID',
  ],
  [
    'a PIN hash for tests',
    `{"realms":[{"id":"${'ab'.repeat(16)}","address":"http://127.0.0.1:1/"}],"register_threshold":1,"recover_threshold":1,"pin_hashing_mode":"FastInsecure"}`,
    'ERR_CONFIGURATION_INVALID',
  ],
  [
    'plain http to another machine',
    `{"realms":[{"id":"${'ab'.repeat(16)}","address":"http://192.0.2.1/"}],"register_threshold":1,"recover_threshold":1,"pin_hashing_mode":"Standard2019"}`,
    'ERR_INSECURE_TRANSPORT',
  ],
])('a file of realms with %s is refused before anything is sent', async (_, text, code) => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'realms.json'), text)
  const words = ['--home', join(folder, 'home'), '--server', 'http://127.0.0.1:1', '--phone', '+12025550125']
  expect(
    await runJson(['login', '--request', '--realms', join(folder, 'realms.json'), ...words]),
  ).toMatchObject({
    exit: 2,
    answer: { error: { code } },
  })
})

const foreign: [string, RequestListener][] = [
  ['shows a page', (_, answer) => answer.end('<html>')],
  [
    'has no realm',
    (_, answer) => answer.writeHead(404).end('{"realmID":"00000000000000000000000000000000"}'),
  ],
  ['shows a malformed id', (_, answer) => answer.end('{"realmID":"0"}')],
  [
    'sends one elsewhere',
    (_, answer) => answer.writeHead(302, { Location: 'http://127.0.0.1:1/realm/' }).end(),
  ],
  [
    'never stops talking',
    (_, answer) => {
      const talk = (): void => {
        while (answer.write(' '.repeat(65536)));
      }
      answer.on('drain', talk)
      talk()
    },
  ],
]

test.each(foreign)(
  'a server that %s is refused as none of ours, and no code is asked for',
  async (_, listener) => {
    const stranger = createServer(listener)
    onTestFinished(() => closeServer(stranger))
    const origin = await listenOnLoopback(stranger)
    const home = join(await temporaryFolder(), 'home')
    const words = ['login', '--request', '--home', home, '--server', origin, '--phone', '+12025550126']
    expect(await runProcessJson(words)).toMatchObject({
      exit: 2,
      answer: { error: { code: 'ERR_SERVER_FOREIGN' } },
    })
  },
)
