import { createKeccak, type IHasher } from 'hash-wasm'

const idle: IHasher[] = []

/** A keccak256 of parts. WebAssembly, because it is ten times as fast as JavaScript, and Node has no keccak. */
export class ContentHash {
  private constructor(private readonly hasher: IHasher) {
    hasher.init()
  }

  static async start(): Promise<ContentHash> {
    return new ContentHash(idle.pop() ?? (await createKeccak(256)))
  }

  update(part: Uint8Array): void {
    this.hasher.update(part)
  }

  /** Ends the hash and returns the name of the bytes. */
  name(): string {
    const name = `0x${this.hasher.digest('hex')}`
    idle.push(this.hasher)
    return name
  }
}
