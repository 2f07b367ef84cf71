/** Objects by key, in a folder or in a bucket: what artifacts and checkpoints are stored in. A key ends with a hash of its object's content, so
 *  two objects of one key and one size are equal. */
export interface ObjectStore {
  /** The place, as error messages name it. */
  readonly where: string
  /** Stores an object atomically. An object of the same size that is already there may be kept. @throws ArtifactStoreError */
  put(key: string, body: ObjectBody, options?: CallOptions): Promise<void>
  /** The size in bytes; undefined when there is no such object. @throws ArtifactStoreError */
  size(key: string, options?: CallOptions): Promise<number | undefined>
  /** The content, in parts. @throws ObjectMissingError, ArtifactStoreError */
  read(key: string, options?: CallOptions): AsyncIterable<Uint8Array>
  /** The keys that begin with `prefix`, a path that ends with a slash. @throws ArtifactStoreError */
  list(prefix: string, options?: CallOptions): AsyncIterable<string>
  /** Deletes an object, if it is there. @throws ArtifactStoreError */
  delete(key: string, options?: CallOptions): Promise<void>
}

/** Bytes, or a file that does not change. */
export type ObjectBody = Uint8Array | { path: string; size: number }

export const sizeOf = (body: ObjectBody) => (body instanceof Uint8Array ? body.length : body.size)

export interface CallOptions {
  /** Ends the call; it then rejects with the reason. */
  signal?: AbortSignal
}

export class ObjectMissingError extends Error {
  override name = 'ObjectMissingError'
}
