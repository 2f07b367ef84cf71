import { LRUCache } from 'lru-cache'
import { mayCall } from '#graphql/commands/endpointCallers.ts'
import type { Services } from '#graphql/context.ts'
import { getDocument, specificationDocument } from '#schema/documents.ts'
import { GatewayError } from './errors.ts'

/** What clients name as a model: `endpoint:1`, `version:1`, `model:1`, or a model's name. A version, and a model's live version, are answered by the
 *  cheapest endpoint that serves them here; where none serves the live version yet, the newest that one serves stands for it. */

export interface ServedEndpoint {
  id: string
  versionId: string
  modelId: string
  /** Of the model's specification; undefined while it cannot be read. */
  name?: string
  /** Whether it stands for its model: the live version, or the newest that is served until the live one is. */
  isCurrent: boolean
  host: string
  /** Where its host says on the chain that it is called: any text. */
  url: string
  /** Whether the consumer is among those whom its host lets call it. */
  mayCall: boolean
  /** In wei for 1,000 tokens. */
  priceIn: bigint
  priceOut: bigint
  registeredAt: Date
}

/** An entry of the list of models. */
export interface ListedModel {
  id: string
  object: 'model'
  /** In seconds since 1970. */
  created: number
  owned_by: string
  endpoint: string
  version: string
  /** In wei for 1,000 tokens. */
  price_in: string
  price_out: string
}

/** Names of models by the hash of their specification, which never changes. */
const MAX_NAMES = 10_000

export class ModelList {
  private readonly names = new LRUCache<string, string>({ max: MAX_NAMES })

  constructor(private readonly services: Pick<Services, 'db' | 'artifacts' | 'deployment' | 'auth'>) {}

  /** Those that the consumer may call; without one, those that everybody may. */
  async list(consumer?: string): Promise<ListedModel[]> {
    const served = (await this.served(consumer)).filter(({ mayCall }) => mayCall)
    const current = served.filter(({ isCurrent }) => isCurrent)
    const names = new Set(current.flatMap(({ name }) => name ?? []))
    const named = [...names].flatMap((name) => {
      const some = current.filter((one) => one.name === name)
      const isOneModel = new Set(some.map(({ modelId }) => modelId)).size === 1
      return isOneModel && some[0] ? [listed(name, some[0])] : []
    })
    return [...named, ...served.map((one) => listed(`endpoint:${one.id}`, one))]
  }

  async get(id: string, consumer?: string): Promise<ListedModel> {
    return listed(id, await this.find(id, consumer))
  }

  /** The endpoint that answers a consumer for a model id; one that does not list the consumer only where no other does. @throws GatewayError when none does. */
  async find(id: string, consumer?: string): Promise<ServedEndpoint> {
    const [, kind, number] = /^(endpoint|version|model):(\d{1,78})$/.exec(id) ?? []
    const served = await this.served(consumer)
    const found = served.filter((one) => {
      if (kind === 'endpoint') return one.id === number
      if (kind === 'version') return one.versionId === number
      return one.isCurrent && (kind === 'model' ? one.modelId === number : one.name === id)
    })
    const cheapest = found.find(({ mayCall }) => mayCall) ?? found[0]
    if (!cheapest)
      throw new GatewayError(
        404,
        `The model ${JSON.stringify(id.slice(0, 200))} is not served here. GET /v1/models lists those that are; \`endpoint:1\`, \`version:1\` and \`model:1\` name one by its id.`,
        { code: 'model_not_found', param: 'model' },
      )
    const models = [...new Set(found.map(({ modelId }) => `model:${modelId}`))]
    if (models.length > 1)
      throw new GatewayError(404, `Several models have this name: ${models.join(', ')}. Name one of these.`, {
        code: 'model_not_found',
        param: 'model',
      })
    return cheapest
  }

  /** The endpoints that are answered here, cheapest first. */
  private async served(consumer: string | undefined): Promise<ServedEndpoint[]> {
    const known = this.services.auth === 'keys' ? consumer : undefined // otherwise it is only what somebody says
    const { rows } = await this.services.db.query<Omit<ServedEndpoint, 'name'> & { specHash: string }>(
      `select e.id, e.version_id as "versionId", v.model_id as "modelId", m.spec_hash as "specHash",
         v.id = first_value(v.id) over (partition by v.model_id order by m.live_version_id is not distinct from v.id desc, length(v.id) desc, v.id desc)
           as "isCurrent", e.host, e.url, e.price_in as "priceIn", e.price_out as "priceOut", e.registered_at as "registeredAt",
         ${mayCall("coalesce($2, '')")} as "mayCall"
       from endpoint e join model_version v on v.id = e.version_id and v.to_block is null and v.status = 'Promoted'
         join model m on m.id = v.model_id and m.to_block is null
       where e.to_block is null and lower(e.host) = any($1)
       order by e.price_in + e.price_out, length(e.id), e.id`,
      [this.services.deployment.hosts ?? [], known ?? null],
    )
    return Promise.all(rows.map(async ({ specHash, ...one }) => ({ ...one, name: await this.nameOf(specHash) })))
  }

  private async nameOf(specHash: string): Promise<string | undefined> {
    const known = this.names.get(specHash)
    if (known !== undefined) return known
    const specification = await getDocument(this.services.artifacts, specificationDocument, specHash).catch(
      () => undefined,
    )
    if (specification) this.names.set(specHash, specification.name)
    return specification?.name
  }
}

const listed = (id: string, one: ServedEndpoint): ListedModel => ({
  id,
  object: 'model',
  created: Math.floor(one.registeredAt.getTime() / 1000),
  owned_by: one.host,
  endpoint: one.id,
  version: one.versionId,
  price_in: one.priceIn.toString(),
  price_out: one.priceOut.toString(),
})
