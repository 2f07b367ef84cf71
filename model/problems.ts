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

  add(file: string, place: Place, message: string): void {
    this.list.push({ file, ...place, message })
  }

  /** By file, line and column. */
  get sorted(): Problem[] {
    return this.list.toSorted(
      (a, b) => a.file.localeCompare(b.file, 'en') || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
    )
  }
}

/** About the whole file. */
export const WHOLE_FILE: Place = { line: 0 }

/** `model.yaml:12:3: what is wrong`, as editors and terminals link it. */
export const problemText = ({ file, line, column, message }: Problem): string =>
  [file, line || undefined, column, ` ${message}`].filter((part) => part !== undefined).join(':')
