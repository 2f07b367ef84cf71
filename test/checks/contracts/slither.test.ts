import { expect, test } from 'vitest'
import { compareFindings, findingText } from './slither.ts'
import type { TriagedFinding } from './triaged.ts'

const found = (check: string, finding: string) => ({ check, finding, impact: 'high', at: 'contracts/src/A.sol#L1' })
const triaged = (check: string, finding: string): TriagedFinding => ({ check, finding, because: 'reason' })

test('a finding that no entry covers is untriaged, also when its detector has entries about others', () => {
  const [known, other] = [found('reentrancy-eth', 'A.f()'), found('reentrancy-eth', 'A.g()')]
  const { untriaged, outdated } = compareFindings([known, other], [triaged('reentrancy-eth', 'A.f()')])
  expect(untriaged).toEqual([other])
  expect(outdated).toEqual([])
})

test('an entry whose finding no longer exists is outdated, so that an analysis that sees nothing fails', () => {
  const entries = [triaged('a', 'one'), triaged('b', 'two')]
  expect(compareFindings([], entries).outdated).toEqual(entries)
})

test('the text of a finding does not depend on its place', () => {
  const text = (line: number) =>
    findingText(
      `GOpen.unlock(address) (contracts/src/GOpen.sol#${line}-${line + 8}) uses a dangerous strict equality:\n\t- a == 0 (contracts/src/GOpen.sol#${line + 2})\n`,
    )
  expect(text(95)).toBe('GOpen.unlock(address) uses a dangerous strict equality: - a == 0')
  expect(text(7)).toBe(text(95))
})
