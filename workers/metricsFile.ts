import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricPoint } from './jobState.ts'

export const METRICS_FILE = 'metrics.jsonl'

/** The metric points of a job, in a file beside its checkpoints. The database receives points only a few times a second. If the worker is
 *  killed just after a checkpoint, the next attempt continues from that checkpoint and does not compute the missing points again, so it
 *  reads them from this file. On another host it needs none: a checkpoint is named in the job's row only
 *  after its points are in the database. Each point is one line of JSON; an incomplete line is ignored. */
export class MetricsFile {
  private readonly file: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.file = join(folder, METRICS_FILE)
  }

  read(): MetricPoint[] {
    let text: string
    try {
      text = readFileSync(this.file, 'utf8')
    } catch {
      return [] // the first attempt has no file yet
    }
    return text.split('\n').slice(0, -1).flatMap(parsePoint)
  }

  /** @throws the error of the file system, for example when the disk is full. */
  append(points: Iterable<MetricPoint>) {
    let lines = ''
    for (const { name, step, value } of points) lines += `${JSON.stringify([name, step, value])}\n`
    if (lines) appendFileSync(this.file, lines)
  }
}

/** If the worker was killed in the middle of a line, the next attempt's first point follows on that line: only the last array counts. */
function parsePoint(line: string): MetricPoint[] {
  try {
    const [name, step, value] = JSON.parse(line.slice(line.lastIndexOf('["'))) as [string, number, number]
    return [{ name, step, value }]
  } catch {
    return []
  }
}
