import type { DescribedVersion } from './describeVersion.ts'

type Records = Record<string, Record<string, unknown>>

/** Where a version comes from, as PROV-JSON (W3C member submission of 2013): what it was made from, by which activities, and to whom the samples are due. */
export function prov(facts: DescribedVersion) {
  const { chainId, version, model, manifest, contributions, evaluations, specification } = facts
  const entity: Records = {}
  const agent: Records = {}
  const activity: Records = {}
  const relations: Record<string, Records> = {}
  const relate = (kind: string, values: Record<string, string>) => {
    relations[kind] ??= {}
    relations[kind][`_:${kind}${Object.keys(relations[kind]).length + 1}`] = values
  }
  const account = (address: string) => {
    agent[`mc:account-${address}`] ??= { 'prov:type': qualified('prov:Agent'), 'mc:address': address }
    return `mc:account-${address}`
  }
  const self = `mc:version-${version.id}`
  const dataset = `mc:dataset-${version.datasetRoot}`
  const base = `mc:base-${manifest.baseModel}`
  const training = `mc:training-${version.id}`
  entity[self] = {
    'prov:label': `${specification.name}, version ${version.id}`,
    'mc:adapter': version.adapterHash,
    'mc:manifest': version.manifestHash,
  }
  entity[base] = { 'prov:label': 'Base model' }
  entity[dataset] = { 'prov:type': qualified('prov:Collection') }
  activity[training] = { 'prov:label': version.method, 'prov:endTime': version.registeredAt.toISOString() }
  relate('used', { 'prov:activity': training, 'prov:entity': dataset })
  relate('used', { 'prov:activity': training, 'prov:entity': base })
  relate('wasGeneratedBy', { 'prov:entity': self, 'prov:activity': training })
  relate('wasDerivedFrom', { 'prov:generatedEntity': self, 'prov:usedEntity': base })
  relate('wasAttributedTo', { 'prov:entity': self, 'prov:agent': account(model.proposer) })
  if (version.parentId) {
    entity[`mc:version-${version.parentId}`] = { 'prov:label': `Version ${version.parentId}` }
    relate('wasDerivedFrom', { 'prov:generatedEntity': self, 'prov:usedEntity': `mc:version-${version.parentId}` })
  }
  for (const { id, contentHash, contributor } of contributions) {
    entity[`mc:contribution-${id}`] = { 'mc:sample': contentHash }
    relate('hadMember', { 'prov:collection': dataset, 'prov:entity': `mc:contribution-${id}` })
    relate('wasAttributedTo', { 'prov:entity': `mc:contribution-${id}`, 'prov:agent': account(contributor) })
  }
  for (const { id, metric, score, lower, upper, loggedAt } of evaluations) {
    const [act, result] = [`mc:evaluation-act-${id}`, `mc:evaluation-${id}`]
    activity[act] = { 'prov:endTime': loggedAt.toISOString() }
    entity[result] = {
      'mc:metric': metric,
      'mc:scorePpm': Number(score),
      'mc:lowerPpm': Number(lower),
      'mc:upperPpm': Number(upper),
    }
    relate('used', { 'prov:activity': act, 'prov:entity': self })
    relate('wasGeneratedBy', { 'prov:entity': result, 'prov:activity': act })
  }
  return { prefix: { mc: `urn:modelcommons:${chainId}:` }, entity, activity, agent, ...relations }
}

const qualified = (name: string) => ({ $: name, type: 'prov:QUALIFIED_NAME' })
