import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricPoint } from './jobState.ts'

/** Points of a job's curves beside its checkpoints. The database gets them a few times a second; a kill in between, right after a
 *  checkpoint, would cost them for good, since the next attempt goes on from there. Each is a line of JSON; one that was cut off is not read. */
export class MetricsFile {
  private readonly file: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.file = join(folder, 'points.jsonl')
  }

  read(): MetricPoint[] {
    let text: string
    try {
      text = readFileSync(this.file, 'utf8')
    } catch {
      return [] // the first attempt
    }
    return text.split('\n').slice(0, -1).flatMap(parsePoint)
  }

  /** @throws what the disk says, such as that it is full. */
  append(points: Iterable<MetricPoint>) {
    let lines = ''
    for (const { name, step, value } of points) lines += `${JSON.stringify([name, step, value])}\n`
    if (lines) appendFileSync(this.file, lines)
  }
}

/** A kill in the middle of a line leaves what begins it before the next attempt's first. */
function parsePoint(line: string): MetricPoint[] {
  try {
    const [name, step, value] = JSON.parse(line.slice(line.lastIndexOf('["'))) as [string, number, number]
    return [{ name, step, value }]
  } catch {
    return []
  }
}
