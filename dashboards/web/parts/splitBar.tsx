const PARTS = [
  ['platform', 'Platform'],
  ['owner', 'Owner'],
  ['stakers', 'Stakers'],
  ['data', 'Data'],
  ['validators', 'Validators'],
  ['host', 'Host'],
] as const

/** In basis points: the platform takes its part of all fees, the others share the rest. */
export type Split = Record<(typeof PARTS)[number][0], number>

/** How revenue is split, as a bar and in figures. */
export const SplitBar = ({ split }: { split: Split }) => (
  <>
    <div className="split-bar" aria-hidden="true">
      {PARTS.map(([part]) => (
        <i key={part} className={part} style={{ flexGrow: shareOf(split, part) }} />
      ))}
    </div>
    <ul className="split-key">
      {PARTS.map(([part, title]) => (
        <li key={part}>
          <i className={part} aria-hidden="true" /> {title}{' '}
          {(shareOf(split, part) / 100).toFixed(1).replace(/\.0$/, '')} %
        </li>
      ))}
    </ul>
  </>
)

/** Basis points of all fees. */
const shareOf = (split: Split, part: keyof Split) =>
  part === 'platform' ? split.platform : (split[part] * (10_000 - split.platform)) / 10_000
