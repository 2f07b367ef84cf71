import type { ServedDeployment } from '#client/deployment.ts'

/** Of anvil and hardhat. No public chain has it. */
export const TEST_CHAIN = 31_337

/** Whether this page can make a wallet with test money: an API beside the embedded chain names its node. */
export const hasTestChain = <D extends Pick<ServedDeployment, 'chainId' | 'nodeUrl'>>(
  deployment: D,
): deployment is D & { nodeUrl: string } => deployment.chainId === TEST_CHAIN && deployment.nodeUrl !== null
