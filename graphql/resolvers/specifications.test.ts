import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { Mandate, Model } from '#schema/onchain/models.ts'
import { blockTime, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

const text = (content: string) => new TextEncoder().encode(content)
const canary = 'the canary of an item'
const hash = (n: number) => `0x${String(n).padStart(64, '0')}`

test('a model has its name and card, and shows nothing that is sealed, large or no specification', async () => {
  const { db, ask, artifacts } = await testApi({ auth: 'keys' })
  await insertChain(db, 10)
  const items = await artifacts.put(documentBytes({ salt: hash(5), items: [{ prompt: canary, completion: canary }] }))
  const rubric = await artifacts.put(
    documentBytes({ metrics: [{ name: 'exact', kind: 'exact' }], test: items, validation: items, maxTokens: 8 }),
  )
  const specification = (card: string | undefined, rest: object = {}) =>
    artifacts.put(
      documentBytes({
        ...{
          name: 'Triage',
          purpose: 'Sorts tickets.',
          baseModel: hash(1),
          rubric,
          licence: 'MIT',
          integration: 'Any.',
        },
        samples: { description: '', completionPattern: '', topic: [], maxPromptLength: 9 },
        ...(card && { card }),
        ...rest,
      }),
    )
  const specs = [
    await specification(await artifacts.put(text('# Triage 🙂'))),
    await specification(items), // the card names the sealed items
    items, // the specification is the sealed items
    await specification(undefined, { items: [{ prompt: canary, completion: 'c' }] }), // both
    await specification(await artifacts.put(text('x'.repeat(200_001)))),
    await specification(await artifacts.put(new Uint8Array([0xff, 0xfe]))),
    await artifacts.put(text('no JSON')),
    hash(9),
  ]
  await insertAll(
    db,
    Model,
    specs.map((specHash, n) => ({ id: `${n + 1}`, specHash })),
  )
  await insertAll(db, Mandate, [{ id: '1', modelId: '1', rubricHash: rubric, deadline: blockTime(1000) }])
  const { data, errors } = await ask(
    '{ models(orderBy: [{ field: id }]) { nodes { name card specification { purpose licence } } } }',
  )
  expect(errors).toBeUndefined()
  expect(JSON.stringify(data)).not.toContain(canary)
  const stated = { purpose: 'Sorts tickets.', licence: 'MIT' }
  const without = { name: 'Triage', card: null, specification: stated }
  const unreadable = { name: null, card: null, specification: null }
  expect(data.models.nodes).toEqual([
    { name: 'Triage', card: '# Triage 🙂', specification: stated },
    without,
    unreadable,
    unreadable,
    without,
    without,
    unreadable,
    unreadable,
  ])
})
