import { expect, test } from 'vitest'
import { policyDocument, policyOf, stewardFile } from './policy.ts'

const PROMPTS = `0x${'1'.repeat(64)}`

test('an empty section has its defaults, and an absent one stays absent', () => {
  expect(policyDocument.parse({ score: {}, train: {} })).toEqual({
    score: { batch: 50, afterSeconds: 3600 },
    train: { samples: 100, growth: 0.2, continue: false, priceWei: '0', settings: {} },
  })
})

test('settings are those of the job, within its bounds', () => {
  const problem = (policy: object) => policyDocument.safeParse(policy).error?.issues[0]?.message
  expect(problem({ train: { settings: { rank: 16, learningRate: 0.001 } } })).toBeUndefined()
  expect(problem({ train: { settings: { rank: 0 } } })).toBe(
    'FineTuneInput.rank must be a whole number from 1 to 256; got 0.',
  )
  expect(problem({ train: { settings: { rnak: 1 } } })).toMatch(/^FineTuneInput.rnak is not a known field/)
  expect(problem({ train: { settings: { datanetId: '2' } } })).toBe('datanetId: the steward fills it in')
  expect(problem({ judge: { prompts: PROMPTS, settings: { versionId: '2' } } })).toBe(
    'versionId: the steward fills it in',
  )
  expect(problem({ align: { prompts: 'prompts.json' } })).toBe('expected an artifact name')
  expect(problem({ trian: {} })).toMatch(/Unrecognized key: "trian"/)
})

test('the mandate decides its own sections; the operator decides the others, for one model before all', () => {
  const file = stewardFile.parse({
    version: 1,
    policy: { score: { batch: 5 }, train: { samples: 10 }, follow: true },
    models: { '7': { train: { samples: 20 } } },
  })
  const mandated = policyDocument.parse({ score: { batch: 500 }, promote: false })
  expect(policyOf('7', mandated, file)).toMatchObject({
    score: { batch: 500 },
    train: { samples: 20 },
    promote: false,
    follow: true,
  })
  expect(policyOf('8', undefined, file)).toMatchObject({ score: { batch: 5 }, train: { samples: 10 } })
  expect(policyOf('8', undefined, undefined)).toBeUndefined()
})
