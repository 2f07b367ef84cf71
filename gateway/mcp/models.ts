import { z } from 'zod'
import { callerAccount } from '#graphql/access.ts'
import type { ModelList } from '../models.ts'
import type { Tool } from './tool.ts'

const input = z.strictObject({})
const output = z.object({
  models: z.array(
    z.object({
      id: z.string().describe('What `infer` takes as its model.'),
      endpoint: z.string(),
      version: z.string(),
      owned_by: z.string().describe('The host that answers.'),
      price_in: z.string().describe('For 1,000 tokens of the prompt, in wei.'),
      price_out: z.string().describe('For 1,000 tokens of the answer, in wei.'),
    }),
  ),
})

export const listModelsTool = (models: ModelList): Tool<typeof input, typeof output> => ({
  name: 'list_models',
  title: 'Which models answer',
  description: 'The models that answer here, with their prices: what `infer` can ask.',
  input,
  output,
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  run: async (_, { caller }) => ({
    result: {
      models: (await models.list(callerAccount(caller) ?? undefined)).map(
        ({ id, endpoint, version, owned_by, price_in, price_out }) => ({
          ...{ id, endpoint, version, owned_by, price_in, price_out },
        }),
      ),
    },
  }),
})
