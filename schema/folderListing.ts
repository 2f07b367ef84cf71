/** The artifact of a folder (an adapter or a base model): a listing with the artifact of each file. A large file that came over the network is in
 *  parts, each an artifact, so that an upload can be continued. */
export interface FolderListing {
  files: Record<string, string | FileParts>
}

export interface FileParts {
  /** In bytes. */
  size: number
  parts: string[]
}

/** The size of all parts of a file but the last, in bytes. */
export const UPLOAD_PART_BYTES = 4 << 20
