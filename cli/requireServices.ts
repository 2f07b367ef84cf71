import { type Config, ConfigError } from '#config'
import { requireRedis } from '#schema/queue.ts'
import { requireDeployedChain } from './chainChecks.ts'
import { readDeployment } from './deployment.ts'
import { openArtifacts } from './openArtifacts.ts'

/** A service that does not answer a first small request in this time is not usable. */
const TIMEOUT_MS = 10_000

/** Asks each configured service once, before anything is started: a service process would be restarted for ever for a reason that only a
 *  person can remove. DATABASE_URL is asked by the migrations.
 *  @throws Error that names the variable and what to do. */
export async function requireServices(config: Config): Promise<void> {
  const { redisUrl, rpcUrl, s3 } = config
  if (rpcUrl) {
    const deployment = await readDeployment(config.deployment as string)
    await within(requireDeployedChain(rpcUrl, deployment), 'RPC_URL', 'the chain')
  }
  if (redisUrl) await within(requireRedis(redisUrl), 'REDIS_URL', 'Redis')
  if (s3) await within(openArtifacts(config), 'S3_ENDPOINT, S3_BUCKET', `the store of bucket ${s3.bucket}`)
}

async function within(answer: Promise<unknown>, variable: string, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seconds = TIMEOUT_MS / 1000
      reject(
        new ConfigError(
          `${variable}: ${what} gave no answer in ${seconds} s. Check that it runs and is reachable from here, or unset ${variable}.`,
        ),
      )
    }, TIMEOUT_MS)
  })
  try {
    await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    answer.catch(() => {})
  }
}
