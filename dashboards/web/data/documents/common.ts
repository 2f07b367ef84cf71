import { graphql, type ResultOf } from '#client/graphql/document.ts'

/** What every page asks for, and what is pushed to it. */

export const JOB = graphql(`
fragment Job on JobRun { id kind status stage progress attempt input result error createdAt startedAt finishedAt }
`)

export const EVENT = graphql(`
fragment Event on ChainEvent { id name contract args timestamp fromBlock transactionHash }
`)

/** Where the chain stands, and how far the index has come. */
export const META = graphql(`
query Meta { _meta { chainId block finalBlock headBlock final time } }
`)

/** A document that the chain names by its hash. */
export const ARTIFACT = graphql(`
query Artifact($id: ID!) { artifact(id: $id) { json } }
`)

export const EVENTS = graphql(`
subscription Events {
  events { event { id name contract args timestamp fromBlock transactionHash } retracted { fromBlock } }
}
`)

export const JOBS = graphql(`
subscription Jobs {
  jobs { id kind status stage progress attempt input result error createdAt startedAt finishedAt }
}
`)

export type Job = ResultOf<typeof JOB>
export type Event = ResultOf<typeof EVENT>
export type EventsAnswer = ResultOf<typeof EVENTS>
export type JobsAnswer = ResultOf<typeof JOBS>
