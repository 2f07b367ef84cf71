import type { Command } from 'commander'
import { address, httpUrl, positiveWhole } from '../optionValues.ts'
import { loadActs, reads, signs, tokenAmount, wholeId } from './options.ts'
import type { ActOptions } from './runAct.ts'

/** What hosts do, and what earners ask. */
export function addHostCommands(program: Command): void {
  const endpoint = program.command('endpoint').description('where a version answers calls')
  reads(
    endpoint.command('list').description('the endpoints with their prices, and whether the API answers their calls'),
    'endpoint list --json',
  ).action(async (options) => (await loadActs()).runRead(options, (client, all) => all.listEndpoints(client)))
  const priced = (command: Command) =>
    command
      .requiredOption('--price-in <tokens>', 'gOPEN for 1,000 tokens of prompts', tokenAmount)
      .requiredOption('--price-out <tokens>', 'gOPEN for 1,000 tokens of answers', tokenAmount)
  priced(
    signs(
      endpoint.command('open').description('open an endpoint for a promoted version; the account is its host'),
      'endpoint open 3 --url https://models.example.org --price-in 0.001 --price-out 0.002',
    ),
  )
    .argument('<version>', 'its id', wholeId)
    .requiredOption('--url <url>', 'the API that answers', httpUrl)
    .action(async (versionId: bigint, options: ActOptions & EndpointOptions) =>
      (await loadActs()).runAct(options, async (client, all) => {
        const refusal = all.refusalOfCalls(client, all.accountOf(client))
        if (refusal)
          (await import('./tell.ts')).tellNote(
            `${refusal} Open it with the account of such a host, or answer for it yourself: an API and a worker with HOST_ADDRESSES.`,
            options,
          )
        return { endpoint: await all.openEndpoint(client, { versionId, ...options }) }
      }),
    )
  signs(
    endpoint.command('point').description('let an endpoint serve another version of its model'),
    'endpoint point 1 --version-id 4',
  )
    .argument('<endpoint>', 'its id', wholeId)
    .requiredOption('--version-id <id>', 'the version', wholeId)
    .action(async (endpointId: bigint, options: ActOptions & { versionId: bigint }) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.pointEndpoint(client, { endpointId, versionId: options.versionId }),
        () => `Endpoint ${endpointId} serves version ${options.versionId}.`,
      ),
    )
  priced(
    signs(
      endpoint.command('price').description('change the prices for the calls from then on'),
      'endpoint price 1 --price-in 0.001 --price-out 0.003',
    ),
  )
    .argument('<endpoint>', 'its id', wholeId)
    .action(async (endpointId: bigint, options: ActOptions & EndpointOptions) =>
      (await loadActs()).runAct(
        options,
        (client, all) => all.setPrice(client, { endpointId, ...options }),
        (all) =>
          `Endpoint ${endpointId} costs ${all.inGOpen(options.priceIn)} for 1,000 tokens of prompts and ${all.inGOpen(options.priceOut)} for those of answers.`,
      ),
    )
  reads(
    endpoint
      .command('settle')
      .description('redeem what consumers owe for answered calls (an operator’s key in MODELCOMMONS_API_KEY)')
      .option('--dry-run', 'say what would be asked for'),
    'endpoint settle',
  ).action(async ({ dryRun, ...options }: ActOptions) =>
    (await loadActs()).runRead(options, async (client, all) => {
      if (!dryRun) {
        const redeemed = await all.settleUsage(client, `settle:${client.newSecret('key of a redemption')}`)
        return options.json ? redeemed : (await import('./redeemedLines.ts')).redeemedLines(redeemed)
      }
      return options.json ? { plan: [{ step: 'redeem' }] } : 'The API would be asked to redeem what consumers owe.'
    }),
  )

  const rewards = program.command('rewards').description('what accounts earn')
  reads(
    rewards.command('why').description('why an account earned what it did in an epoch'),
    'rewards why 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 3',
  )
    .argument('<account>', 'its address', address)
    .argument('[epoch]', 'default: the newest published one', positiveWhole)
    .option('--all', 'also each amount with its formula')
    .action(async (account: string, epoch: number | undefined, options: ActOptions & { all?: boolean }) =>
      (await loadActs()).runRead(options, async (client, all) => {
        const why = await all.explainReward(client, { account, epoch })
        return options.json ? why : (await import('./rewardLines.ts')).rewardLines(account, why, options)
      }),
    )
}

interface EndpointOptions {
  url: string
  priceIn: bigint
  priceOut: bigint
}
