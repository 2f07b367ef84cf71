/** One read for all who ask at the same time. It always starts after it was requested: requests that arrive during a read share the next one. */
export class SharedRead<T> {
  private running: Promise<T> | undefined
  private next: Promise<T> | undefined

  constructor(private readonly start: () => Promise<T>) {}

  read(): Promise<T> {
    if (!this.running) return this.begin()
    const startNext = () => {
      this.next = undefined
      return this.begin()
    }
    this.next ??= this.running.then(startNext, startNext)
    return this.next
  }

  private begin(): Promise<T> {
    const running = this.start()
    const end = () => {
      if (this.running === running) this.running = undefined
    }
    this.running = running
    running.then(end, end)
    return running
  }
}
