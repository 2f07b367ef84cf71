import type { McpServer } from '@modelcontextprotocol/server'
import { parse } from 'graphql'
import { z } from 'zod'
import type { Services } from '#graphql/context.ts'
import { runQuery } from '#graphql/runQuery.ts'
import { badRequest } from '../errors.ts'
import { addTool } from './tool.ts'

/** Tools that read: each is a query of the API, with the rights of who calls. Its output has the shape of the query’s answer. */

interface ReadTool {
  name: string
  title: string
  description: string
  input: z.ZodObject
  output: z.ZodObject
  query: string
  /** Nothing was found under the given arguments: what to do. */
  missing?: string
}

const id = z
  .string()
  .regex(/^\d{1,78}$/, 'a whole number')
  .describe('Its id.')
const wei = z.string().describe('In wei, as a decimal string.')
const first = z.number().int().min(1).max(200).default(50).describe('How many at most.')
const after = z.string().max(2000).optional().describe('The `endCursor` of the page before.')
const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() })
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'an address: 0x and 40 hex digits')

export const READ_TOOLS: readonly ReadTool[] = [
  {
    name: 'lineage',
    title: 'Where a version came from',
    description:
      'The lineage of a version, or of any other node: which votes, proposals, parents, data, training runs and judgements led to it, or what came of it, down to the accounts that were paid.',
    input: z.strictObject({
      versionId: id.optional().describe('The version.'),
      of: z
        .string()
        .max(420)
        .optional()
        .describe('In its place, the `key` of any node, such as `Contribution:7` or `Account:0x…`.'),
      direction: z.enum(['record', 'causes', 'effects']).default('record').describe('Which way to follow it.'),
      first,
      after,
    }),
    output: z.object({
      lineage: z.object({
        nodes: z.array(z.object({ key: z.string(), kind: z.string(), id: z.string(), label: z.string().nullable() })),
        edges: z.array(
          z.object({ from: z.string(), to: z.string(), relation: z.string(), amount: z.string().nullable() }),
        ),
        pageInfo,
      }),
    }),
    query: `query ($versionId: ID, $of: ID, $direction: LineageDirection, $first: Int, $after: String) {
      lineage(versionId: $versionId, of: $of, direction: $direction, first: $first, after: $after) {
        nodes { key kind id label } edges { from to relation amount } pageInfo { hasNextPage endCursor }
      }
    }`,
  },
  {
    name: 'evaluations',
    title: 'How well a version does',
    description:
      'The evaluations of a version under its rubric, with confidence intervals (in parts per million), and whether it meets the mandate that was voted for it.',
    input: z.strictObject({ versionId: id.describe('The version.'), first, after }),
    output: z.object({
      modelVersion: z.object({
        id: z.string(),
        modelId: z.string(),
        status: z.string(),
        meetsMandate: z.object({ met: z.boolean(), reason: z.string() }),
        evaluations: z.object({
          nodes: z.array(
            z.object({
              id: z.string(),
              metric: z.string(),
              score: z.string(),
              lower: z.string(),
              upper: z.string(),
              n: z.number(),
              loggedAt: z.string(),
            }),
          ),
          pageInfo,
        }),
      }),
    }),
    query: `query ($versionId: ID!, $first: Int, $after: String) {
      modelVersion(id: $versionId) {
        id modelId status meetsMandate { met reason }
        evaluations(first: $first, after: $after) {
          nodes { id metric score lower upper n loggedAt } pageInfo { hasNextPage endCursor }
        }
      }
    }`,
    missing: 'There is no such version. `list_models` gives those that answer.',
  },
  {
    name: 'explain_reward',
    title: 'Why somebody was paid',
    description:
      'Why an account earned what it did in an epoch: each amount with what earned it, its weight and the pot it is a share of, by the published reward map.',
    input: z.strictObject({
      account: address.describe('Who earned it.'),
      epoch: id.describe('The number of the epoch, whose map must be published.'),
    }),
    output: z.object({
      explainReward: z
        .object({
          epoch: z.string(),
          account: z.string(),
          earned: wei,
          cumulative: wei,
          reasons: z.array(
            z.object({
              role: z.string(),
              versionId: z.string().nullable(),
              kind: z.string(),
              sourceId: z.string(),
              amount: wei,
              pot: wei,
              weight: z.string(),
              whole: z.string(),
            }),
          ),
        })
        .nullable()
        .describe('Null when the map pays the account nothing.'),
    }),
    query: `query ($account: String!, $epoch: ID!) {
      explainReward(account: $account, epoch: $epoch) {
        epoch account earned cumulative reasons { role versionId kind sourceId amount pot weight whole }
      }
    }`,
  },
  {
    name: 'list_proposals',
    title: 'What is voted on',
    description: 'The proposals, newest first: their state, the votes, and the models that they propose.',
    input: z.strictObject({ first, after }),
    output: z.object({
      proposals: z.object({
        nodes: z.array(
          z.object({
            id: z.string(),
            description: z.string(),
            proposer: z.string(),
            state: z.string().nullable(),
            createdAt: z.string(),
            voteEnd: z.number(),
            forVotes: z.string(),
            againstVotes: z.string(),
            abstainVotes: z.string(),
            quorumReached: z.boolean().nullable(),
            models: z.object({ nodes: z.array(z.object({ id: z.string(), name: z.string().nullable() })) }),
          }),
        ),
        pageInfo,
      }),
    }),
    query: `query ($first: Int, $after: String) {
      proposals(first: $first, after: $after, orderBy: [{ field: createdAt, direction: desc }]) {
        nodes {
          id description proposer state createdAt voteEnd forVotes againstVotes abstainVotes quorumReached
          models(first: 5) { nodes { id name } }
        }
        pageInfo { hasNextPage endCursor }
      }
    }`,
  },
]

const parsed = READ_TOOLS.map(({ query, ...tool }) => ({ ...tool, document: parse(query, { noLocation: true }) }))

export function addReadTools(server: McpServer, services: Services): void {
  for (const { document, missing, ...tool } of parsed) {
    addTool(server, services, {
      ...tool,
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
      async run(given, { caller }) {
        const answer = await runQuery(services, caller, document, given)
        if (missing && Object.values(answer).every((one) => one === null)) throw badRequest(missing)
        return { result: plain(answer) }
      },
    })
  }
}

/** A text of strangers that is longer is cut: a model reads all of a page. */
const MAX_TEXT = 2_000

/** As JSON has it: dates are texts. */
const plain = (answer: object): Record<string, unknown> =>
  JSON.parse(
    JSON.stringify(answer, (_, value: unknown) =>
      typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value,
    ),
  )
