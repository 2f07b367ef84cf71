import { type Problem, problemText, warningText } from '#model/problems.ts'
import { counted } from '../say/figures.ts'

const SHOWN = 50

/** What is wrong with a folder, by file, line and column, as `modelcommons model check` tells it. */
export function FolderProblems({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null
  return (
    <div className="act-fault" role="alert">
      <p>{counted(problems.length, 'mistake')}. Correct the files, and choose the folder again.</p>
      <ul>
        {problems.slice(0, SHOWN).map((problem) => (
          <li key={problemText(problem)}>{problemText(problem)}</li>
        ))}
        {problems.length > SHOWN && <li>and {problems.length - SHOWN} more.</li>}
      </ul>
    </div>
  )
}

/** What is no mistake, but hardly meant. */
export function FolderWarnings({ warnings }: { warnings: readonly Problem[] }) {
  if (warnings.length === 0) return null
  return (
    <ul>
      {warnings.map((warning) => (
        <li key={warningText(warning)}>{warningText(warning)}</li>
      ))}
    </ul>
  )
}
