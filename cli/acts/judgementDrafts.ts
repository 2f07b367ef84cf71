import { accountOf, type Client, type TaskJudgement } from '#client/index.ts'

/** Judgements that are said and not committed yet, in the client's state. */
export function judgementDrafts(client: Client) {
  const keyOf = (taskId: bigint) => `draft/${client.deployment.addresses.FeedbackPool}/${accountOf(client)}/${taskId}`
  return {
    async read(taskId: bigint): Promise<TaskJudgement | undefined> {
      const text = await client.state.read(keyOf(taskId))
      return text === undefined ? undefined : { ...JSON.parse(text), taskId }
    },
    write: async ({ taskId, ...said }: TaskJudgement) =>
      client.plan ? undefined : client.state.write(keyOf(taskId), JSON.stringify(said)),
    remove: async (taskId: bigint) => (client.plan ? undefined : client.state.remove(keyOf(taskId))),
  }
}
