import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { getDocument, itemsDocument, promptsDocument, specificationDocument } from '#schema/documents.ts'
import { checkFolder } from './checkFolder.ts'
import { folderDocuments } from './folderDocuments.ts'
import { problemText } from './problems.ts'
import { newFolder } from './test/newFolder.ts'

const POLICY = `policy:
  train: { samples: 4 }
  judge: { validators: 2, settings: { domain: support, goldPercent: 20, potWei: '0' } }
  align: { settings: { method: dpo } }
`

test('the policy of a folder is filled in with its own prompts and gold items, which are published with it, the gold sealed', async () => {
  const made = await newFolder()
  const text = await readFile(join(made.path, 'model.yaml'), 'utf8')
  await made.write('model.yaml', text.replace(/^policy:[\s\S]*/m, POLICY))
  expect((await checkFolder(made.path, { now: made.now })).problems.map(problemText)).toEqual([
    'model.yaml:37:3: policy.judge needs prompts: write judging/prompts.jsonl, or name an artifact in policy.judge.prompts.',
    'model.yaml:38:3: policy.align needs prompts: write judging/prompts.jsonl, or name an artifact in policy.align.prompts.',
  ])
  await mkdir(join(made.path, 'judging'))
  await made.write('judging/prompts.jsonl', '{"prompt": "A garden with bees."}\n{"prompt": "No towels at all."}\n')
  await made.write('judging/gold.jsonl', '{"prompt": "No towels at all.", "completion": "negative"}\n')
  await made.write('judging/salt', `0x${'0123456789abcdef'.repeat(4)}\n`)
  const { folder, problems } = await checkFolder(made.path, { now: made.now })
  expect(problems).toEqual([])
  if (!folder) return
  const { specHash, documents } = folderDocuments(folder, `0x${'11'.repeat(32)}`)
  const get = async (name: string) => documents.find((one) => one.name === name)?.bytes ?? new Uint8Array()
  const { policy, card, serving } = await getDocument({ get }, specificationDocument, specHash)
  const { judge, align, train } = policy as Record<string, { prompts: string; settings: Record<string, string> }>
  expect(train).toMatchObject({ samples: 4, growth: 0.2 })
  expect(align).toMatchObject({ prompts: judge?.prompts, settings: { method: 'dpo' } })
  expect((await getDocument({ get }, promptsDocument, judge?.prompts ?? '')).prompts).toHaveLength(2)
  const gold = await getDocument({ get }, itemsDocument, judge?.settings.goldPool ?? '')
  expect(gold.items).toEqual([{ prompt: 'No towels at all.', completion: 'negative' }])
  expect(documents.find(({ name }) => name === judge?.settings.goldPool)?.kind).toBe('items')
  expect(new TextDecoder().decode(await get(card ?? ''))).toMatch(/^# model/)
  expect(serving).toEqual({ priceIn: '1000000000000000', priceOut: '2000000000000000' })
})
