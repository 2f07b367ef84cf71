import { expect, test } from 'vitest'
import { evaluateRule, parseMetrics } from './promql.ts'

const before = parseMetrics('requests_total{code="A"} 1\nrequests_total{code="B"} 5')
const now = parseMetrics(`# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="A"} 4
requests_total{code="B"} 2
free{host="x",device="/"} 10
free{host="y",device="/"} 90
size{host="x",device="/"} 100
size{host="y",device="/"} 100
wait{kind="infer"} 31.5
down 0`)
const values = (expression: string) => evaluateRule(expression, [before, now]).map(({ value }) => value)

test('comparisons keep the series for which they hold', () => {
  expect(values('free < 50')).toEqual([10])
  expect(values('wait{kind="infer"} > 30')).toEqual([31.5])
  expect(values('wait{kind!="infer"} > 30')).toEqual([])
  expect(values('free < 0.5 * size')).toEqual([10])
})

test('series are joined by their labels', () => {
  expect(values('free / size < 0.5')).toEqual([0.1])
})

test('aggregations, absence and alternatives', () => {
  expect(values('max by (device) (free) > 50')).toEqual([90])
  expect(values('sum(free)')).toEqual([100])
  expect(values('absent(nothing) or sum(max by (host) (free)) == 0')).toEqual([1])
  expect(values('max(down) == 0')).toEqual([0])
})

test('counters that began again count from zero', () => {
  expect(values('sum by (code) (increase(requests_total[5m])) > 0')).toEqual([3, 2])
  expect(values('sum(rate(requests_total{code="A"}[5m])) / sum(rate(requests_total[5m])) > 0.5')).toEqual([0.6])
})

test('anything else is refused', () => {
  expect(() => values('histogram_quantile(0.9, wait)')).toThrow('not understood')
})
