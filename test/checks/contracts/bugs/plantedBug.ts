/** A change of a contract after which an invariant no longer holds. `from` stands once in `file`. */
export type PlantedBug = { name: string; file: string; from: string; to: string }
