import { type Config, ConfigError } from '#config'
import { VERSION } from '#schema/version.ts'
import type { DoctorCheck } from './chainChecks.ts'
import { processOfHome } from './lockHome.ts'
import { embeddedPorts, requireFreeEmbeddedPort } from './requireFreePort.ts'
import { announcedSystem, namedParts, type RunningSystem } from './runningSystem.ts'

/** What `modelcommons doctor` asks of the system that `modelcommons up` runs in its home. */

const TIMEOUT_MS = 5_000

export async function systemChecks(config: Config): Promise<DoctorCheck[]> {
  const pid = await processOfHome(config.home)
  if (pid === undefined) return [['system', () => canStart(config)]]
  const running = await announcedSystem(config.home)
  const example = running?.example
  if (running?.pid !== pid)
    return [['system', async () => `process ${pid} starts or stops in ${config.home}: ask again when it has`]]
  return [
    ['system', async () => isThatOf(config, running)],
    ['api', () => serviceIsReady('API', `${running.url}/readyz`)],
    ...(example ? [['example', async () => getsOn(example)] satisfies DoctorCheck] : []),
    ...Object.entries(running.statusUrls).map(
      ([name, url]): DoctorCheck => [name === 'api' ? 'metrics' : name, () => serviceIsReady(name, `${url}/ready`)],
    ),
  ]
}

/** Nothing runs: then the ports of the embedded servers must be free. */
async function canStart(config: Config): Promise<string> {
  for (const [name, port] of Object.entries(embeddedPorts(config)))
    await requireFreeEmbeddedPort(name as keyof Config['embeddedPorts'], port)
  return `none runs in ${config.home}: \`modelcommons up\` starts one`
}

/** @throws ConfigError when this program would look at other parts, or understands them differently. */
function isThatOf(config: Config, { pid, release, startedAt, url, named }: RunningSystem): string {
  if (release !== VERSION)
    throw new ConfigError(
      `Process ${pid} runs release ${release}, and this program is ${VERSION}. Stop it and start it again, or run the doctor of its release.`,
    )
  const here = namedParts(config)
  const lacking = named.filter((name) => !here.includes(name))
  const more = here.filter((name) => !named.includes(name))
  if (lacking.length || more.length)
    throw new ConfigError(
      [
        lacking.length && `${lacking.join(', ')}: the running system (process ${pid}) has it, and it is not set here.`,
        more.length && `${more.join(', ')}: set here, and the running system (process ${pid}) was started without it.`,
        'Run the doctor with the same environment, or other parts are checked than those that run.',
      ]
        .filter(Boolean)
        .join(' '),
    )
  return `process ${pid} at ${url}, release ${release}, since ${startedAt}`
}

/** @throws Error when the example stopped: what the page shows of it will not change. */
function getsOn({ stopped, says }: NonNullable<RunningSystem['example']>): string {
  if (stopped) throw new Error(`The example stopped: ${says}`)
  return says
}

async function serviceIsReady(name: string, url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause) => {
    throw new Error(`${name}: ${url} does not answer. \`modelcommons up\` restarts it; its log says why it ended.`, {
      cause,
    })
  })
  const { ready, reason } = (await answer.json().catch(() => ({}))) as { ready?: boolean; reason?: string }
  if (!ready) throw new Error(`${name}: ${url} is not ready: ${reason ?? `HTTP ${answer.status}`}`)
  return `${url} is ready${reason ? `, but: ${reason}` : ''}`
}
