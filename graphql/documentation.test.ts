import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, isSpecifiedScalarType } from 'graphql'
import { expect, test } from 'vitest'
import { apiSchema } from './schema.ts'

/** Words that say nothing by themselves. */
const EMPTY = new Set('the a an its of s is in this one all by whether it was'.split(' '))

/** What a text says: its words without endings. */
const said = (text: string) =>
  (
    text
      .replace(/([a-z\d])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z\d]+/g) ?? []
  )
    .filter((word) => !EMPTY.has(word))
    .map((word) => word.replace(/ies$/, 'y').replace(/(es|s|ed|d)$/, ''))

/** Every description of the schema, by where it stands. */
function descriptions(): { place: string; name: string; text: string | null | undefined }[] {
  return Object.values(apiSchema().getTypeMap()).flatMap((type) => {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) return []
    const own = { place: type.name, name: type.name, text: type.description }
    if (isEnumType(type))
      return [
        own,
        ...type
          .getValues()
          .map(({ name, description }) => ({ place: `${type.name}.${name}`, name, text: description })),
      ]
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return [own]
    const fields = Object.values(type.getFields()).flatMap((field) => [
      { place: `${type.name}.${field.name}`, name: field.name, text: field.description },
      ...('args' in field
        ? (field.args as { name: string; description?: string | null }[]).map(({ name, description }) => ({
            place: `${type.name}.${field.name}(${name})`,
            name,
            text: description,
          }))
        : []),
    ])
    return [own, ...fields]
  })
}

test('every type, field, argument and value has a description that says more than its name', () => {
  const all = descriptions()
  expect(all.length).toBeGreaterThan(2000)
  const poor = all.filter(({ name, text }) => {
    const known = new Set(said(name))
    return said(text ?? '').every((word) => known.has(word))
  })
  expect(poor.map(({ place, text }) => `${place}: ${text ?? ''}`)).toEqual([])
})

test('no description states a bound that is none', () => {
  for (const { place, text } of descriptions())
    expect({ place, says: /∞|Infinity|undefined|NaN/.test(text ?? '') }).toEqual({ place, says: false })
})
