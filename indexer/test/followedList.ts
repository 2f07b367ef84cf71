import { RELEASES } from '#test/releases.ts'

/** What of Governors that are not ours is followed, and what is not. Each row is the title of a test that compares the index with contracts;
 *  README's table is written from these rows (`test/followedList.test.ts`). */

interface Row {
  what: string
  how: string
  /** The file of the test. */
  shownBy: string
}

const OTHERS = 'indexer/governors/otherGovernors.test.ts'

const releases = RELEASES.map(({ version }) => version).join(', ')

const ROWS = {
  releases: {
    what: `Governors of OpenZeppelin ${releases}: simple counting and GovernorCompatibilityBravo; quorums that are fractions or fixed; late and super quorums`,
    how: 'states, tallies, quorums, votes, balances and delegates are those of the contracts (`npm run check -- releases` installs these releases)',
    shownBy: 'test/releases.test.ts',
  },
  compound: {
    what: 'Compound’s GovernorAlpha and GovernorBravo',
    how: 'by the numbers of their proposals; a queued one expires',
    shownBy: 'indexer/governors/governors.test.ts',
  },
  clocks: {
    what: 'clocks of blocks and of seconds (ERC-6372)',
    how: 'snapshots and ends are told in the unit of the contract',
    shownBy: 'indexer/governors/governors.test.ts',
  },
  shapes: {
    what: 'proposals with a type, or with a voting module in place of calls',
    how: 'like others; those of a module have no calls',
    shownBy: 'indexer/replay/replay.test.ts',
  },
  asked: {
    what: 'what a contract does not emit: token, timelock, clock, quorum rule',
    how: 'read from it as of the first block at whose end it answers, and again as of each block in which it changes: an index has the same rows and state roots, whenever it was started',
    shownBy: OTHERS,
  },
  factories: {
    what: 'tokens and timelocks that a factory announces, with or without a Governor',
    how: 'from the block in which they are announced',
    shownBy: 'indexer/governors/factoryGovernors.test.ts',
  },
  quorumEvents: {
    what: 'a quorum in votes (`QuorumUpdated`), a fraction (`QuorumNumeratorUpdated`)',
    how: 'with the event; whether it counts for past snapshots (OpenZeppelin before 4.7.2, a plain variable) is asked of the contract',
    shownBy: OTHERS,
  },
  quorumAsked: {
    what: 'the quorum of a proposal, also where no event announces it, or it is not the fraction which the contract declares (Arbitrum’s, Optimism’s)',
    how: 'asked of the contract with the first ballot on the proposal, or when the supply or the fraction changes after its snapshot; null until then, with the reason (`quorumUnknown`)',
    shownBy: OTHERS,
  },
  quorumSilent: {
    what: 'a quorum or super quorum for a past snapshot that changes without an event after the first ballot',
    how: 'asked again at each event of a proposal, and when somebody makes another one; once it differs, the quorums of the Governor are not known, and states that depend on them are null, with the reason',
    shownBy: 'indexer/governors/silentQuorum.test.ts',
  },
  superQuorum: {
    what: 'a super quorum (GovernorSuperQuorum)',
    how: 'asked with the first ballot on each proposal',
    shownBy: OTHERS,
  },
  timelock: {
    what: 'the timelock (`TimelockChange`), and operations that are cancelled in it, or scheduled again',
    how: 'the new one is followed from that block on; what waits in the old one, and what was cancelled, has the state that the contract tells',
    shownBy: OTHERS,
  },
  code: {
    what: 'the code behind a proxy (`Upgraded`, `NewImplementation`)',
    how: 'what the contract says of itself is asked again',
    shownBy: OTHERS,
  },
  ballots: {
    what: 'ballots that are split (flexible voting)',
    how: 'counted as the contract counts them',
    shownBy: OTHERS,
  },
  between: {
    what: 'states as of blocks and times between two events',
    how: 'from the times of the blocks, which are asked for where a state depends on them',
    shownBy: 'test/statesBetweenHeaders.test.ts',
  },
  setAside: {
    what: 'an event that cannot be read or added up (nine transfers of 2²⁵⁶−1)',
    how: 'its contract is set aside from that block on, with the reason (`setAsideContracts`, the metric `set_aside_contracts`, `doctor`); everything else goes on',
    shownBy: 'indexer/follow/setAside.test.ts',
  },
  refused: {
    what: 'Nouns’ Governors, other ways of counting, an implementation behind a proxy, a timelock named as a token, a clock of blocks that are not the node’s (Arbitrum)',
    how: 'refused at the start, with the reason',
    shownBy: 'indexer/governors/governors.test.ts',
  },
} as const satisfies Record<string, Row>

export type FollowedRow = keyof typeof ROWS

/** The title of the test that shows a row, and what else it shows. */
export const shows = (row: FollowedRow, more?: string) =>
  `${ROWS[row].what}: ${ROWS[row].how}${more === undefined ? '' : ` (${more})`}`

export const followedRows = Object.entries(ROWS) as readonly [FollowedRow, Row][]

/** README's table. */
export const followedTable = () =>
  [
    '| what | how it is followed |',
    '|---|---|',
    ...followedRows.map(([, { what, how }]) => `| ${what} | ${how} |`),
  ].join('\n')
