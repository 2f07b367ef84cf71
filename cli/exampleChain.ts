import { parseEther } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { type Config, ConfigError } from '#config'
import { exampleAccount, FUNDED_ACCOUNTS, FUNDED_TOKENS, lastFundedAccount } from '#example/accounts.ts'
import { fundsAt } from './chainChecks.ts'
import { requireDevelopmentChain } from './developmentChain.ts'

/** Checks, before anything starts, that the example can be played on the chain of RPC_URL; the embedded one is made for it.
 *  @throws ConfigError that names the option or the variable, and what to do. */
export async function requireExampleChain({ rpcUrl, operatorKey, auth }: Config): Promise<void> {
  if (!rpcUrl || !operatorKey) return
  await requireDevelopmentChain(rpcUrl, '--example')
  const platform = exampleAccount('platform').address
  if (privateKeyToAddress(operatorKey) !== platform)
    throw new ConfigError(
      `OPERATOR_KEY: the operator of the example is ${platform}, anvil’s first account. Set its key, deploy with it (modelcommons deploy --demo), or run without --example.`,
    )
  if (auth !== 'open')
    throw new ConfigError(
      'MODELCOMMONS_AUTH: the people of the example have no keys for the API. Set it to open, or run without --example.',
    )
  const { balance } = await fundsAt(rpcUrl, lastFundedAccount().address)
  if (balance < parseEther(String(FUNDED_TOKENS)) / 2n)
    throw new ConfigError(
      `--example: its people have no money on the chain of RPC_URL. Start anvil with --accounts ${FUNDED_ACCOUNTS} --balance ${FUNDED_TOKENS} --slots-in-an-epoch 1.`,
    )
}
