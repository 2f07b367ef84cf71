/** What goes wrong between a person and the system. Each message says what happened and what to do. */
export class ClientError extends Error {
  override name = 'ClientError'
}

/** The API or the node does not answer at present: the same act may be asked for again. */
export class UnavailableError extends ClientError {
  override name = 'UnavailableError'
}

/** The API refuses a request. */
export class ApiRefusal extends ClientError {
  override name = 'ApiRefusal'
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

/** A contract refuses a call. */
export class ContractRefusal extends ClientError {
  override name = 'ContractRefusal'
  constructor(
    message: string,
    readonly contract: string,
    readonly functionName: string,
    /** The contract's error; undefined when it gives a text or nothing. */
    readonly errorName?: string,
    /** By name. */
    readonly args: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The state of unfinished acts cannot be read or written. */
export class StateError extends ClientError {
  override name = 'StateError'
}

/** A dry run has come to a step that needs the result of an earlier one, which was not sent. */
export class DryRunEnd extends ClientError {
  override name = 'DryRunEnd'
}
