import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'

/** The data sources of `provisioning/datasources/sources.yml`, with their fixed ids. */
export const PROMETHEUS = { type: 'prometheus', uid: 'modelcommons-prometheus' }
export const POSTGRES = { type: 'grafana-postgresql-datasource', uid: 'modelcommons-postgres' }

/** A Prometheus query. */
export const prom = (expr: string, legend = '') =>
  new DataqueryBuilder().datasource(PROMETHEUS).expr(expr).legendFormat(legend).range()

interface SqlQuery extends Dataquery {
  refId: string
  datasource: typeof POSTGRES
  editorMode: 'code'
  format: 'table' | 'time_series'
  rawQuery: true
  rawSql: string
}

/** A PostgreSQL query. The present rows are those with `to_block is null`. */
export const sql = (rawSql: string, format: SqlQuery['format'] = 'table'): Builder<Dataquery> => ({
  build: (): SqlQuery => ({
    refId: 'A',
    datasource: POSTGRES,
    editorMode: 'code',
    format,
    rawQuery: true,
    rawSql: rawSql.replace(/\s+/g, ' ').trim(),
    _implementsDataqueryVariant() {},
  }),
})
