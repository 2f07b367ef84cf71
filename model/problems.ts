/** A mistake in a model folder, and what to do. */
export interface Problem {
  /** Relative to the folder. */
  file: string
  /** From 1; 0 when it is about the whole file. */
  line: number
  column?: number
  message: string
}

export interface Place {
  line: number
  column?: number
}

/** Collects all problems, because whoever corrects one wants to know the others. */
export class Problems {
  readonly list: Problem[] = []
  /** What is no mistake, but hardly meant. */
  readonly warnings: Problem[] = []

  add(file: string, place: Place, message: string): void {
    this.list.push({ file, ...place, message })
  }

  warn(file: string, place: Place, message: string): void {
    this.warnings.push({ file, ...place, message })
  }

  get sorted(): Problem[] {
    return byPlace(this.list)
  }
}

/** By file, line and column. */
export const byPlace = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted(
    (a, b) => a.file.localeCompare(b.file, 'en') || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  )

/** About the whole file. */
export const WHOLE_FILE: Place = { line: 0 }

/** `model.yaml:12:3: what is wrong`, as editors and terminals link it. */
export const problemText = ({ file, line, column, message }: Problem): string =>
  [file, line || undefined, column, ` ${message}`].filter((part) => part !== undefined).join(':')

export const warningText = ({ message, ...place }: Problem): string =>
  problemText({ ...place, message: `warning: ${message}` })
