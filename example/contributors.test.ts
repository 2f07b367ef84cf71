import { beforeAll, expect, test } from 'vitest'
import { type Assessment, QualityIndex, type SampleCheck } from '#rules/quality.ts'
import { contentHash } from '#rules/sample.ts'
import { wholePattern } from '#rules/sampleRequirements.ts'
import { must } from '#test/must.ts'
import { exampleAccount, FUNDED_ACCOUNTS } from './accounts.ts'
import { type ContributorBehaviour, contributors, type SimulatedContributor } from './contributors.ts'
import { TRIAGE } from './modelFolder.ts'
import { drawItems } from './skill/items.ts'
import { testItems } from './skill/rubric.ts'
import { scoreFields } from './skill/score.ts'

const seed = 11
const sealed = testItems(seed)
const people = contributors(seed, sealed)
const verdicts = new Map<SimulatedContributor, Assessment[]>()

const lineCheck: SampleCheck = ({ completion }) =>
  wholePattern(TRIAGE.model.samples.completionPattern).test(completion)
    ? null
    : { verdict: 'malformed', reason: 'No triage line.' }

beforeAll(() => {
  const index = new QualityIndex({ sealed, checks: [lineCheck] })
  for (const person of people)
    verdicts.set(
      person,
      person.samples.map((sample, i) =>
        index.add({ id: `${person.name} ${i}`, committed: BigInt(person.wave), text: JSON.stringify(sample) }),
      ),
    )
})

const of = (behaviour: ContributorBehaviour) => people.filter((person) => person.behaviour === behaviour)
const accepted = (behaviour: ContributorBehaviour) =>
  of(behaviour).flatMap((person) => must(verdicts.get(person)).filter(({ verdict }) => verdict === 'accepted'))

test('there are fourteen contributors with 660 samples, all content hashes differ, and the same seed gives the same samples', () => {
  expect(people).toHaveLength(14)
  const samples = people.flatMap((person) => person.samples)
  expect(samples).toHaveLength(660)
  expect(new Set(samples.map(contentHash)).size).toBe(660)
  expect(contributors(seed, sealed)).toEqual(people)
  expect(contributors(seed + 1, testItems(seed + 1))).not.toEqual(people)
})

test('labels depend on the behaviour: those of excellent contributors are right, of mediocre mostly, of noisy rarely, of adversarial never', () => {
  const truth = new Map(drawItems(seed, 'samples', 600).map((item) => [item.prompt, item.truth]))
  const exact = (behaviour: ContributorBehaviour) => {
    const known = of(behaviour).flatMap(({ samples }) => samples.filter(({ prompt }) => truth.has(prompt)))
    return (
      known.reduce((sum, s) => sum + scoreFields(s.completion, must(truth.get(s.prompt))).fieldsExact, 0) / known.length
    )
  }
  expect(exact('excellent')).toBe(1)
  expect(exact('mediocre')).toBeGreaterThan(0.75)
  expect(exact('mediocre')).toBeLessThan(0.95)
  expect(exact('noisy')).toBeLessThan(0.15)
  expect(exact('adversarial')).toBe(0)
})

test('the quality rules accept honest samples, refuse a wrong format and leaked items, and give copies little uniqueness', () => {
  expect(accepted('excellent').length).toBeGreaterThan(310)
  expect(accepted('mediocre').length).toBeGreaterThan(145)
  expect(accepted('mediocre').length).toBeLessThan(168)
  const leaks = of('adversarial').flatMap((person) => must(verdicts.get(person)).map(({ verdict }) => verdict))
  expect(leaks.filter((verdict) => verdict === 'contaminated')).toHaveLength(8)
  const uniqueness = (behaviour: ContributorBehaviour) =>
    accepted(behaviour).reduce((sum, one) => sum + Number(one.uniqueness), 0) /
    of(behaviour).flatMap((p) => p.samples).length
  expect(uniqueness('excellent')).toBeGreaterThan(900_000)
  expect(uniqueness('duplicating')).toBeLessThan(150_000)
})

test('contributors who copy commit after those from whom they copy', () => {
  for (const person of people) expect(person.wave).toBe(person.behaviour === 'duplicating' ? 2 : 1)
})

test('no two roles share an account, and a role has a fixed number of accounts', () => {
  const all = [
    ...Array.from({ length: 14 }, (_, n) => exampleAccount('contributor', n)),
    ...Array.from({ length: 9 }, (_, n) => exampleAccount('validator', n)),
    ...Array.from({ length: 3 }, (_, n) => exampleAccount('consumer', n)),
    ...Array.from({ length: 6 }, (_, n) => exampleAccount('holder', n)),
    exampleAccount('platform'),
    exampleAccount('proposer'),
    exampleAccount('host'),
    exampleAccount('challenger'),
  ]
  expect(new Set(all.map(({ address }) => address)).size).toBe(all.length)
  expect(exampleAccount('platform').address).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266')
  expect(() => exampleAccount('proposer', 1)).toThrow('no proposer number 1')
  expect(() => exampleAccount('consumer', FUNDED_ACCOUNTS)).toThrow('no consumer')
})
