import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  ARTIFACT_GRACE_SECONDS,
  DISPUTE_SUBJECTS,
  type DisputeSubject,
  decideDispute,
  GROUNDS,
  unreadableArtifacts,
  upheldSlash,
} from './dispute.ts'

test('the subjects have the numbers that the contract gives them', () => {
  const source = readFileSync(join(import.meta.dirname, '../contracts/src/interfaces.sol'), 'utf8')
  expect(DISPUTE_SUBJECTS).toEqual(
    /enum Subject \{([^}]+)\}/
      .exec(source)?.[1]
      ?.split(',')
      .map((name) => name.trim()),
  )
})

test('recomputable grounds are recomputed, the others are voted on', () => {
  for (const [subject, grounds] of Object.entries(GROUNDS))
    for (const [ground, decider] of Object.entries(grounds))
      expect(decideDispute(subject as DisputeSubject, ground, []).outcome, `${subject} ${ground}`).toBe(
        decider === 'vote' ? 'vote' : 'rejected',
      )
  expect(Object.values(GROUNDS.Judgement)).toEqual(['vote', 'vote', 'vote'])
  expect(decideDispute('Version', 'constructor', []).outcome).toBe('rejected')
})

const finding = (ground: string, recorded: string, recomputed: string) => ({ ground, recorded, recomputed })

test('a recomputation that agrees rejects, one that differs upholds', () => {
  expect(decideDispute('RewardMap', 'root', [finding('root', '0xAB', '0xab')]).outcome).toBe('rejected')
  expect(decideDispute('RewardMap', 'root', [finding('root', '0xab', '0xac')]).outcome).toBe('upheld')
})

test('every ground counts, whichever the challenger states, and whether or not the evidence can be read', () => {
  const findings = [finding('target', 'met', 'met'), finding('weights', 'a', 'b')]
  for (const stated of ['target', 'harm', 'colour', undefined])
    expect(decideDispute('Version', stated, findings)).toEqual({ outcome: 'upheld', ground: 'weights' })
})

test('what needs judgement is left to a vote, an unknown ground is rejected', () => {
  const fine = [finding('duplicate', 'Accepted', 'Accepted')]
  expect(decideDispute('Contribution', 'licence', fine)).toEqual({ outcome: 'vote', ground: 'licence' })
  expect(decideDispute('Judgement', undefined, []).outcome).toBe('vote')
  expect(decideDispute('Contribution', 'colour', fine).outcome).toBe('rejected')
  expect(decideDispute('Contribution', undefined, fine).outcome).toBe('rejected')
})

test('artifacts are broken when they cannot be read 72 hours after the dispute was opened, and not a second earlier', () => {
  expect(unreadableArtifacts(1_000, 1_000 + ARTIFACT_GRACE_SECONDS - 1)).toBe('awaited')
  expect(unreadableArtifacts(1_000, 1_000 + ARTIFACT_GRACE_SECONDS)).toBe('broken')
  expect(ARTIFACT_GRACE_SECONDS).toBe(259_200)
})

test('an upheld dispute takes the whole stake of a contribution, and nothing where nothing is staked', () => {
  expect(upheldSlash('Contribution', 7n)).toBe(7n)
  expect(upheldSlash('Version', 7n)).toBe(0n)
  expect(upheldSlash('RewardMap', 7n)).toBe(0n)
})
