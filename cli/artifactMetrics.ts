import { Counter, Gauge, type Registry } from 'prom-client'
import { MIRROR_OUTCOMES, type MirrorOutcome } from '#schema/artifacts/index.ts'

/** Is told what happens to the artifact store and its mirrors. */
export interface StoreObserver {
  /** S3 is no longer asked, because it did not answer before; or it is again. */
  onCircuit(open: boolean): void
  /** A mirror, by its address, may be asked from now on. */
  onMirror(mirror: string): void
  /** As `onCircuit`, of a mirror. */
  onMirrorCircuit(mirror: string, open: boolean): void
  onMirrorRead(mirror: string, outcome: MirrorOutcome): void
}

/** Tells it in metrics. */
export function storeObserver(registry: Registry): StoreObserver {
  const registers = [registry]
  const circuit = new Gauge({
    name: 'modelcommons_s3_circuit_open',
    help: '1 while this process does not ask S3, because it did not answer before.',
    registers,
  })
  const mirrorCircuit = new Gauge({
    name: 'modelcommons_mirror_circuit_open',
    help: '1 while this process does not ask a mirror of artifacts, because it did not answer before or sent wrong bytes.',
    labelNames: ['mirror'],
    registers,
  })
  const reads = new Counter({
    name: 'modelcommons_mirror_reads_total',
    help: 'Attempts to read an artifact from a mirror: served, missing, corrupt (other bytes than its name says), tooLarge or unreachable.',
    labelNames: ['mirror', 'outcome'],
    registers,
  })
  return {
    onCircuit: (open) => circuit.set(Number(open)),
    onMirror(mirror) {
      mirrorCircuit.set({ mirror }, 0)
      // PromQL's increase() misses the first event of a series that begins with it.
      for (const outcome of MIRROR_OUTCOMES) reads.inc({ mirror, outcome }, 0)
    },
    onMirrorCircuit: (mirror, open) => mirrorCircuit.set({ mirror }, Number(open)),
    onMirrorRead: (mirror, outcome) => reads.inc({ mirror, outcome }),
  }
}
