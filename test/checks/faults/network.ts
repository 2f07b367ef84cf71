import { execFileSync } from 'node:child_process'

/** A network namespace: a host of its own, with a link that can be cut. The kernel then drops its packets, and what a process of this host says
 *  when it ends reaches nobody, as with a machine that loses its power. */
export interface Namespace {
  /** The address of this machine, as the host sees it. */
  readonly gateway: string
  /** The address of the host. */
  readonly address: string
  /** The command that runs a program inside, before the program's own. */
  readonly command: readonly string[]
  /** Cuts the link, or joins it again. */
  setLink(up: boolean): void
  /** Drops, or lets pass, the packets of connections to a port of this machine. */
  setRoute(port: number, open: boolean): void
  close(): void
}

const run = (command: string, ...args: string[]) => {
  execFileSync(command, args, { stdio: 'ignore' })
}

/** Opens the namespace number `place` of this process; undefined where this user may not. */
export function openNamespace(place: number): Namespace | undefined {
  const name = `mcf${process.pid}-${place}`
  const [outer, inner] = [`mcf${process.pid % 100_000}o${place}`, `mcf${process.pid % 100_000}i${place}`]
  const subnet = `10.${100 + (process.pid % 100)}.${(process.pid >> 7) % 200}`
  const [gateway, address] = [`${subnet}.${4 * place + 1}`, `${subnet}.${4 * place + 2}`]
  const close = () => {
    for (const args of [
      ['link', 'delete', outer],
      ['netns', 'delete', name],
    ])
      try {
        run('ip', ...args)
      } catch {} // it was not created
  }
  try {
    run('ip', 'netns', 'add', name)
    run('ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner)
    run('ip', 'link', 'set', inner, 'netns', name)
    run('ip', 'address', 'add', `${gateway}/30`, 'dev', outer)
    run('ip', 'link', 'set', outer, 'up')
    run('ip', '-n', name, 'address', 'add', `${address}/30`, 'dev', inner)
    run('ip', '-n', name, 'link', 'set', inner, 'up')
    run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    run('ip', '-n', name, 'route', 'add', 'default', 'via', gateway)
    run('ip', 'netns', 'exec', name, 'iptables', '--list')
  } catch {
    close()
    return undefined
  }
  const rules = (open: boolean, conditions: string[][]) => {
    for (const condition of conditions)
      run('ip', 'netns', 'exec', name, 'iptables', open ? '--delete' : '--insert', ...condition, '--jump', 'DROP')
  }
  return {
    gateway,
    address,
    command: ['ip', 'netns', 'exec', name],
    setLink: (up) =>
      rules(up, [
        ['OUTPUT', '--out-interface', inner],
        ['INPUT', '--in-interface', inner],
      ]),
    setRoute(port, open) {
      const of = (chain: string, end: string) => [chain, '--protocol', 'tcp', end, String(port)]
      rules(open, [of('OUTPUT', '--destination-port'), of('INPUT', '--source-port')])
    },
    close,
  }
}
