import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A program that trains as many steps as it is told, in a process of its own, and rests in between. */
export class TrainingProcess {
  readonly seconds: number[] = []
  readonly losses: number[] = []
  /** The most memory the process held so far. */
  peakMiB = 0
  private readonly lines: AsyncIterator<string>
  private said = ''

  private constructor(
    readonly name: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.on('data', (chunk) => {
      this.said = (this.said + chunk).slice(-4000)
    })
    // A write to a process that has died says nothing that its last words do not.
    child.stdin.on('error', () => {})
  }

  /** Starts `command`, which answers the task with a first line once its model is loaded. */
  static async start(name: string, command: readonly string[], task: object): Promise<TrainingProcess> {
    const trainingProcess = new TrainingProcess(name, spawn(command[0]!, command.slice(1)))
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
    if (done) throw new Error(`${this.name} ended: ${this.said.trim().split('\n').slice(-3).join(' ')}`)
    return value
  }

  stop(): void {
    this.child.kill()
  }
}
