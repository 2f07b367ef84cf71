import { parseArgs } from 'node:util'
import { parseEther } from 'viem'
import { callEndpoint, connect, deposit, wrap } from '#client/node.ts'
import { exampleAccount } from './accounts.ts'

/** One paid call from outside, by an account of the example: deposits credit, asks, and prints the answer with its receipt.
 *  `modelcommons credit deposit` and `modelcommons call` do the same with an account of your own. */

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    api: { type: 'string', default: 'http://127.0.0.1:4000' },
    endpoint: { type: 'string', default: '1' },
    credit: { type: 'string', default: '1' },
  },
})
const endpointId = BigInt(values.endpoint)
const client = await connect(values.api, { account: exampleAccount('consumer', 8) })
await wrap(client, parseEther(values.credit))
await deposit(client, { endpointId, amount: parseEther(values.credit) })
const { answer, receipt } = await callEndpoint(client, { endpointId, prompt: positionals.join(' ') })
console.log(answer, receipt)
