import { expect, test } from 'vitest'
import { nextStep } from './nextStep.ts'
import type { ModelStanding } from './standing.ts'

type Version = ModelStanding['versions']['nodes'][number]

const HOSTS = [`0x${'Ab'.repeat(20)}`]
const FOLDER = { path: 'parcels', model: {} } as Parameters<typeof nextStep>[0]
const winRate = (upper: string) => [{ metric: 'winRate', score: '420000', lower: '380000', upper, n: 160 }]

type Standing = { met: boolean; winRates: Version['winRates']['nodes']; status?: string }

/** What comes next for a model without a live version that has these, the newest first. */
const after = (...standings: Standing[]) => {
  const versions = standings.map(({ met, winRates, status = 'Registered' }, nth) => ({
    ...{ id: `${5 - nth}`, method: 'rloo', status, rollbackReason: null, endpoints: { nodes: [] } },
    meetsMandate: { met, reason: '' },
    ...{ evaluations: { nodes: winRate('1') }, winRates: { nodes: winRates } },
  }))
  return nextStep(
    FOLDER,
    {
      ...{ id: '1', liveVersionId: null, proposal: {}, mandates: { nodes: [{}] }, stewardships: { nodes: [] } },
      ...{ datanets: { nodes: [{ contributions: { totalCount: 1 } }] }, versions: { nodes: versions } },
    } as unknown as ModelStanding,
    HOSTS,
  )
}

test('a version that waits because its answers lose is told from one that misses its targets, and from one that only waits', () => {
  expect(after({ met: false, winRates: winRate('460000') })).toBe(
    'No version meets the targets yet: more samples, or another training.',
  )
  expect(after({ met: true, winRates: winRate('460000') })).toBe(
    'The steward does not promote version 5. Its answers lose to those of the version before: winRate 0.42 (0.38 to 0.46, 160 items). More judgements, or another training.',
  )
  for (const winRates of [[], winRate('500000')])
    expect(after({ met: true, winRates })).toBe(
      'The operator or the steward promotes version 5, which meets its targets.',
    )
  expect(after({ met: true, winRates: [], status: 'RolledBack' })).toBe(
    'Version 5 was rolled back: more samples, or another training.',
  )
})

test('an older version that may be promoted comes before a newer one that may not', () => {
  const older = { met: true, winRates: [] }
  for (const newest of [
    { met: false, winRates: [] },
    { met: true, winRates: winRate('460000') },
    { met: true, winRates: [], status: 'RolledBack' },
  ])
    expect(after(newest, older)).toBe('The operator or the steward promotes version 4, which meets its targets.')
})

test('a live version is called at an endpoint that the API answers; where there is none, a host opens one', () => {
  const endpoint = (id: string, host: string) => ({ id, url: '', host, priceIn: '0', priceOut: '0' })
  const live = (...endpoints: object[]) =>
    nextStep(
      FOLDER,
      {
        ...{ id: '1', liveVersionId: '5', proposal: {}, mandates: { nodes: [{}] }, stewardships: { nodes: [] } },
        datanets: { nodes: [{ contributions: { totalCount: 1 } }] },
        versions: { nodes: [{ endpoints: { nodes: endpoints } }] },
      } as unknown as ModelStanding,
      HOSTS,
    )
  const [other, own] = [endpoint('1', `0x${'cd'.repeat(20)}`), endpoint('2', `0x${'ab'.repeat(20)}`)]
  expect(live(other, own)).toBe('modelcommons call 2 "…"')
  expect(live(other)).toMatch(
    /^modelcommons endpoint open 5 .*as a host whom this API answers for \(0xAb.*--account operator/,
  )
})
