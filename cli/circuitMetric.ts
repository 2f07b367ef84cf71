import { Gauge, type Registry } from 'prom-client'

/** Tells in a metric when this process no longer asks S3, and when it does again. */
export function circuitObserver(registry: Registry): (open: boolean) => void {
  const gauge = new Gauge({
    name: 'modelcommons_s3_circuit_open',
    help: '1 while this process does not ask S3, because it did not answer before.',
    registers: [registry],
  })
  return (open) => gauge.set(Number(open))
}
