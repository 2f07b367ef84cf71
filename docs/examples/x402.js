import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { createPublicClient, http, parseAbi } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// The unmodified client of x402: no key of the API, but a voucher with each request, of a channel that holds a deposit
// (`modelcommons credit deposit ENDPOINT 1`).
const { MODELCOMMONS_API: url = 'http://127.0.0.1:4000', PAYER_KEY, MODEL: model } = process.env
const { chainId, addresses, nodeUrl } = await (await fetch(`${url}/.well-known/modelcommons.json`)).json()
const { GOpen: asset, InferenceMarket: address } = addresses
const network = `eip155:${chainId}`

// Where a channel was used before, the client asks the chain for its state: that of the market.
const abi = parseAbi(['function channels(bytes32) view returns (uint128, uint128, uint128, uint64)'])
const node = nodeUrl && createPublicClient({ transport: http(nodeUrl) })
const readContract = async ({ args }) => {
  const [balance, redeemed] = node
    ? await node.readContract({ address, abi, functionName: 'channels', args })
    : [0n, 0n]
  return [balance + redeemed, redeemed]
}

const signer = { ...privateKeyToAccount(PAYER_KEY), readContract }
const client = new x402Client().register(
  network,
  new BatchSettlementEvmScheme(signer, { depositStrategy: () => false }),
)
// Chain and token come from the API here: where you do not trust it, write your own, so that no other token can be demanded.
client.setSpendControls({ allowedAssets: [{ asset, network, maxAmountPerPayment: String(10n ** 18n) }] })
const pay = wrapFetchWithPayment(fetch, client)

for (const content of ['The key of our cabin seems to be missing.', 'The soup came far too late.']) {
  const response = await pay(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], max_tokens: 16, seed: 1 }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error.message)
  console.log('answer', answer.choices[0].message.content)
  console.log('receipt', answer.receipt.id, 'costs', answer.receipt.fee, 'wei')
}
