import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A program in a child process that trains a given number of steps on request and is idle in between. */
export class TrainingProcess {
  readonly seconds: number[] = []
  readonly losses: number[] = []
  /** Peak memory of the process so far. */
  peakMiB = 0
  private readonly lines: AsyncIterator<string>
  private output = ''

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.on('data', (chunk) => {
      this.output = (this.output + chunk).slice(-4000)
    })
    // When the process has ended, its last output explains more than the error of a write to it.
    child.stdin.on('error', () => {})
  }

  /** Starts `command`, which prints a first line when its model is loaded. */
  static async start(
    name: string,
    [program, ...args]: readonly [string, ...string[]],
    task: object,
  ): Promise<TrainingProcess> {
    const trainingProcess = new TrainingProcess(name, spawn(program, args))
    trainingProcess.child.stdin.write(`${JSON.stringify(task)}\n`)
    await trainingProcess.answer()
    return trainingProcess
  }

  async steps(count: number): Promise<void> {
    this.child.stdin.write(`${count}\n`)
    const { seconds, losses, peakMiB } = JSON.parse(await this.answer()) as {
      seconds: number[]
      losses: number[]
      peakMiB: number
    }
    this.seconds.push(...seconds)
    this.losses.push(...losses)
    this.peakMiB = peakMiB
  }

  private async answer(): Promise<string> {
    const { value, done } = await this.lines.next()
    if (done) throw new Error(`${this.name} ended: ${this.output.trim().split('\n').slice(-3).join(' ')}`)
    return value
  }

  stop(): void {
    this.child.kill()
  }
}
