/**
 * A highly available PostgreSQL on one machine, of Debian's own parts: etcd, three nodes under Patroni with strict synchronous
 * replication, and HAProxy in front of whichever leads. The settings are those of docs/operations.md, "High availability".
 */
import type { ChildProcess } from 'node:child_process'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Node {
  readonly name: string
  readonly postgresPort: number
  readonly restPort: number
  readonly dataDirectory: string
  readonly patroni: ChildProcess
}

export interface Cluster {
  readonly nodes: readonly Node[]
  /** Where HAProxy leads to the node that leads. */
  readonly port: number
  readonly superuserPassword: string
  /** The node that leads, once it has a synchronous standby. */
  leader(): Promise<Node | undefined>
  /** Kills a node as a machine dies: Patroni and PostgreSQL at once. */
  kill(node: Node): void
  stop(): Promise<void>
}

const BINARIES = '/usr/lib/postgresql/15/bin'

/** PostgreSQL refuses to be root's. */
function account(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {}
  const idOf = (option: string): number =>
    Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

export async function startCluster(folder: string): Promise<Cluster> {
  const children: ChildProcess[] = []
  const run = (program: string, words: readonly string[], options: object = {}): ChildProcess => {
    const child = spawn(program, words, { stdio: 'ignore', cwd: '/', detached: true, ...options })
    children.push(child)
    return child
  }
  const superuserPassword = 'superuser-for-tests'
  const etcd = await startEtcd(folder, run)
  const nodes: Node[] = []
  for (const number of [0, 1, 2])
    nodes.push(await startNode({ folder, number, etcd, superuserPassword, run }))
  const port = await startHaproxy(folder, nodes, run)
  return {
    nodes,
    port,
    superuserPassword,
    leader: () => findLeader(nodes),
    kill: ({ patroni, dataDirectory }) => {
      const postmaster = Number(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0])
      patroni.kill('SIGKILL')
      process.kill(postmaster, 'SIGKILL')
    },
    stop: () => stopAll(children),
  }
}

type Run = (program: string, words: readonly string[], options?: object) => ChildProcess

async function startEtcd(folder: string, run: Run): Promise<number> {
  const [clients, peers] = [await freePort(), await freePort()]
  const url = (port: number): string => `http://127.0.0.1:${String(port)}`
  run('etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url(clients)}`,
    `--advertise-client-urls=${url(clients)}`,
    `--listen-peer-urls=${url(peers)}`,
    `--initial-advertise-peer-urls=${url(peers)}`,
    `--initial-cluster=default=${url(peers)}`,
  ])
  return clients
}

async function startNode(input: {
  readonly folder: string
  readonly number: number
  readonly etcd: number
  readonly superuserPassword: string
  readonly run: Run
}): Promise<Node> {
  const { folder, number, etcd, superuserPassword, run } = input
  const name = `node${String(number)}`
  const own = join(folder, name)
  const dataDirectory = join(own, 'data')
  const [postgresPort, restPort] = [await freePort(), await freePort()]
  const who = account()
  mkdirSync(own, { mode: 0o700 })
  if ('uid' in who) chownSync(own, who.uid, who.gid)
  const local = (port: number): string => `127.0.0.1:${String(port)}`
  const settings = {
    scope: 'keyhaven',
    name,
    restapi: { listen: local(restPort), connect_address: local(restPort) },
    etcd3: { hosts: local(etcd) },
    bootstrap: {
      dcs: {
        ttl: 20,
        loop_wait: 5,
        retry_timeout: 5,
        maximum_lag_on_failover: 0,
        synchronous_mode: true,
        synchronous_mode_strict: true,
        postgresql: { use_pg_rewind: true },
      },
      initdb: [{ encoding: 'UTF8' }, 'data-checksums'],
      pg_hba: [
        'host replication replicator 127.0.0.1/32 scram-sha-256',
        'host all all 127.0.0.1/32 scram-sha-256',
      ],
    },
    postgresql: {
      listen: local(postgresPort),
      connect_address: local(postgresPort),
      data_dir: dataDirectory,
      bin_dir: BINARIES,
      authentication: {
        superuser: { username: 'postgres', password: superuserPassword },
        replication: { username: 'replicator', password: 'replicator-for-tests' },
      },
      parameters: { unix_socket_directories: own },
    },
  }
  // JSON is YAML.
  const file = join(own, 'patroni.yml')
  writeFileSync(file, JSON.stringify(settings))
  chmodSync(file, 0o644)
  const patroni = run('patroni', [file], { ...who, env: { PATH: process.env['PATH'], HOME: own } })
  return { name, postgresPort, restPort, dataDirectory, patroni }
}

async function startHaproxy(folder: string, nodes: readonly Node[], run: Run): Promise<number> {
  const port = await freePort()
  const servers = nodes.map(
    ({ name, postgresPort, restPort }) =>
      `  server ${name} 127.0.0.1:${String(postgresPort)} check port ${String(restPort)}`,
  )
  const lines = [
    'defaults',
    '  mode tcp',
    '  timeout connect 2s',
    '  timeout client 30m',
    '  timeout server 30m',
    '  timeout check 2s',
    'listen leader',
    `  bind 127.0.0.1:${String(port)}`,
    '  option httpchk GET /primary',
    '  http-check expect status 200',
    '  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions',
    ...servers,
    '',
  ]
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, lines.join('\n'))
  run('haproxy', ['-db', '-f', file])
  return port
}

async function findLeader(nodes: readonly Node[]): Promise<Node | undefined> {
  for (const { restPort } of nodes) {
    const answer = await fetch(`http://127.0.0.1:${String(restPort)}/cluster`).catch(() => undefined)
    if (answer?.ok !== true) continue
    const { members } = (await answer.json()) as { members: { name: string; role: string; state: string }[] }
    const leader = members.find(({ role, state }) => role === 'leader' && state === 'running')
    const hasStandby = members.some(({ role }) => role === 'sync_standby')
    if (leader !== undefined && hasStandby) return nodes.find(({ name }) => name === leader.name)
  }
  return undefined
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Patroni ends its PostgreSQL in order; who has not ended after a while is killed. */
async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of [...children].reverse()) {
    if (!isRunning(child)) continue
    child.kill('SIGTERM')
    const deadline = Date.now() + 20_000
    while (isRunning(child) && Date.now() < deadline) await sleep(50)
    child.kill('SIGKILL')
  }
}
