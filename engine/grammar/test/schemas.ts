import fc from 'fast-check'

const names = fc.uniqueArray(fc.constantFrom('a', 'name', 'sum total', 'ünï"\\', 'list'), {
  minLength: 1,
  maxLength: 4,
})
const scalars = fc.oneof(
  fc.constantFrom('integer', 'number', 'boolean', 'null', 'string').map((type) => ({ type })),
  fc.record({ type: fc.constant('string'), minLength: fc.nat(2), maxLength: fc.integer({ min: 2, max: 6 }) }),
  fc.record({
    enum: fc.uniqueArray(fc.jsonValue({ maxDepth: 1 }), {
      minLength: 1,
      maxLength: 3,
      selector: (value) => JSON.stringify(value),
    }),
  }),
  fc.record({ const: fc.jsonValue({ maxDepth: 2 }) }),
  fc.constant({ type: ['string', 'null'] }),
)

/** Random schemas of every supported kind, some of them recursive. */
export const schemas = fc
  .letrec<{ schema: object; object: object; array: object; cases: object }>((tie) => ({
    schema: fc.oneof({ maxDepth: 3, withCrossShrink: true }, scalars, tie('object'), tie('array'), tie('cases')),
    object: fc
      .tuple(
        names,
        fc.array(tie('schema'), { minLength: 4, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      )
      .map(([keys, values, required]) => ({
        type: 'object',
        properties: Object.fromEntries(keys.map((key, i) => [key, values[i]])),
        required: keys.filter((_, i) => required[i]),
        additionalProperties: false,
      })),
    array: fc
      .tuple(tie('schema'), fc.nat(2), fc.option(fc.nat(2), { nil: undefined }))
      .map(([items, minItems, more]) => ({
        type: 'array',
        items,
        minItems,
        ...(more !== undefined && { maxItems: minItems + more }),
      })),
    cases: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  }))
  .schema.chain((schema) =>
    fc.constantFrom(
      schema,
      {
        $ref: '#/$defs/tree',
        $defs: {
          leaf: schema,
          tree: { anyOf: [{ $ref: '#/$defs/leaf' }, { type: 'array', items: { $ref: '#/$defs/tree' } }] },
        },
      },
      {
        oneOf: [
          {
            type: 'object',
            properties: { kind: { const: 'one' }, value: schema },
            required: ['kind'],
            additionalProperties: false,
          },
          { type: 'object', properties: { kind: { const: 'other' } }, required: ['kind'], additionalProperties: false },
          { type: 'integer' },
        ],
      },
    ),
  )
