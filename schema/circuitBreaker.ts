import { RetriableError } from './errors.ts'

/** A service is not asked, because it did not answer before. */
export class CircuitOpenError extends RetriableError {
  override name = 'CircuitOpenError'
  constructor(
    message: string,
    /** The time until the service is asked again. */
    readonly retryAfterMs: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

export interface CircuitBreakerOptions {
  /** The service, as error messages name it at the start of a sentence. */
  service: string
  /** Failures in a row that open the circuit. Default 5. */
  failures?: number
  /** The time until the first probe. It doubles with each probe that fails, up to `maxProbeMs`, and is jittered by ±25 %. Default 1 s. */
  probeMs?: number
  /** Default 30 s. */
  maxProbeMs?: number
  /** Called when the circuit opens and when it closes again. */
  onChange?(state: CircuitState): void
  /** A monotonic clock in milliseconds: a host's wall clock may jump. */
  now?(): number
}

export type CircuitState =
  | { open: false }
  /** Since when the service has not answered, and its last error. */
  | { open: true; since: Date; cause: unknown }

/** One call that the circuit let through. It ends exactly once. */
export interface CircuitCall {
  succeed(): void
  fail(cause: unknown): void
  /** The call ended without telling anything about the service, for example because its caller gave up. */
  cancel(): void
}

/** Fails calls to a service at once while it does not answer, instead of letting each wait for its time-out. After `failures` failures in a row it
 *  opens; then one call at a time is let through as a probe, at growing intervals, and the first that succeeds closes it.
 *  (Nygard, Release It!, "Circuit Breaker") */
export class CircuitBreaker {
  private failed = 0
  private firstFailure: Date | undefined
  private cause: unknown
  private probes = 0
  private probeAt = 0
  private probing = false
  private readonly options: Required<CircuitBreakerOptions>

  constructor(options: CircuitBreakerOptions) {
    const defaults = {
      failures: 5,
      probeMs: 1000,
      maxProbeMs: 30_000,
      onChange: () => {},
      now: () => performance.now(),
    }
    this.options = { ...defaults, ...options }
  }

  get state(): CircuitState {
    return this.isOpen ? { open: true, since: this.firstFailure ?? new Date(), cause: this.cause } : { open: false }
  }

  /** Runs `work`. `isFailure` tells what an error means: true, the service failed, as by default; false, the error is the service's answer; undefined,
   *  it tells nothing about the service.
   *  @throws CircuitOpenError while the circuit is open. */
  async run<T>(work: () => Promise<T>, isFailure: (error: unknown) => boolean | undefined = () => true): Promise<T> {
    const call = this.begin()
    try {
      const result = await work()
      call.succeed()
      return result
    } catch (error) {
      const failed = isFailure(error)
      if (failed) call.fail(error)
      else if (failed === false) call.succeed()
      else call.cancel()
      throw error
    }
  }

  /** Begins a call that does not fit into one function, such as a stream. @throws CircuitOpenError while the circuit is open. */
  begin(): CircuitCall {
    const isProbe = this.isOpen
    if (isProbe) {
      const waitMs = Math.max(0, Math.round(this.probeAt - this.options.now()))
      if (this.probing || waitMs > 0) throw this.openError(waitMs)
      this.probing = true
    }
    let ended = false
    const end = (effect: () => void) => {
      if (ended) return
      ended = true
      if (isProbe) this.probing = false
      effect()
    }
    return {
      succeed: () => end(() => this.close()),
      fail: (cause) => end(() => this.countFailure(cause, isProbe)),
      cancel: () => end(() => {}),
    }
  }

  private get isOpen() {
    return this.failed >= this.options.failures
  }

  private close() {
    const wasOpen = this.isOpen
    this.failed = 0
    this.probes = 0
    this.firstFailure = undefined
    this.cause = undefined
    if (wasOpen) this.options.onChange({ open: false })
  }

  private countFailure(cause: unknown, isProbe: boolean) {
    const wasOpen = this.isOpen
    this.failed++
    this.cause = cause
    this.firstFailure ??= new Date()
    if (!this.isOpen || (wasOpen && !isProbe)) return // a call that began before the circuit opened does not delay the probe
    const { probeMs, maxProbeMs, now } = this.options
    const waitMs = Math.min(maxProbeMs, probeMs * 2 ** Math.min(this.probes++, 30))
    this.probeAt = now() + waitMs * (0.75 + Math.random() / 2)
    if (!wasOpen) this.options.onChange(this.state)
  }

  private openError(waitMs: number) {
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return new CircuitOpenError(
      `${this.options.service} has not answered since ${this.firstFailure?.toISOString()}, so it is not asked now. It is asked again in ${Math.ceil(waitMs / 1000)} s. Last error: ${reason}`,
      waitMs,
      { cause: this.cause },
    )
  }
}
