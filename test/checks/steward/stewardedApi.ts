import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, waitForJob } from '#client/index.ts'
import { ApiClient } from '#example/story/apiClient.ts'
import type { JobKind } from '#schema/jobs.ts'

const POLL_MS = 100

interface AskedJob {
  id: string
  input: Record<string, unknown>
  requestedBy: string | null
}

/** The API for people who leave the operator's part to the steward: whoever would request a job waits until the steward has asked for it. */
export class StewardedApi extends ApiClient {
  constructor(
    private readonly people: Client,
    private readonly over: AbortSignal,
    /** Time passes on the chain while somebody waits. */
    private readonly passTime: () => Promise<void>,
  ) {
    super(people)
  }

  override async runJob<R = Record<string, unknown>>(kind: JobKind, given: object): Promise<R> {
    const wanted = Object.entries({ ...given, ...(kind === 'evaluate' && { promote: true }) })
    const subjects = wanted.filter(([name]) =>
      ['datanetId', 'versionId', 'endpointId', 'epoch', 'promote'].includes(name),
    )
    for (;;) {
      const { jobs } = await this.query<{ jobs: { nodes: AskedJob[] } }>(
        `query ($kind: String!) { jobs(where: { kind: { eq: $kind } }, first: 500, orderBy: [{ field: createdAt, direction: desc }]) { nodes { id input requestedBy } } }`,
        { kind },
      )
      const asked = jobs.nodes.find(({ input }) => subjects.every(([name, value]) => input[name] === value))
      if (asked) return waitForJob<R>(this.people, asked.id)
      this.over.throwIfAborted()
      await this.passTime()
      await sleep(POLL_MS)
    }
  }

  override requestJob(kind: JobKind): Promise<string> {
    throw new Error(`Somebody requested ${kind}, which is the steward’s part.`)
  }
}
