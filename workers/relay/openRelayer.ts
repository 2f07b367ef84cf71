import { type ChainClient, type ChainClientOptions, openChainClient } from '../chain.ts'

interface RelayerOptions extends Omit<ChainClientOptions, 'operatorKey' | 'keyName' | 'triedIn' | 'maxGas'> {
  relayerKey: ChainClientOptions['operatorKey']
  /** The most gas of one act. */
  maxGas: bigint
}

/** The relayer's access to the chain: its own account, nonces and funds. Each call is tried behind what waits for the next block, because others may have sent the
 *  same act, or spent what it needs. */
export const openRelayer = ({ relayerKey, ...options }: RelayerOptions): Promise<ChainClient> =>
  openChainClient({ ...options, operatorKey: relayerKey, keyName: 'RELAYER_KEY', triedIn: 'pending' })
