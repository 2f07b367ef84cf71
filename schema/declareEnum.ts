import { registerEnumType } from 'type-graphql'

/** Declares an enum of the API by what each of its values means. @returns its members, to be named as a type. */
export function declareEnum<Value extends string>(
  name: string,
  description: string,
  texts: Readonly<Record<Value, string>>,
): Record<Value, Value> {
  const values = Object.keys(texts) as Value[]
  const members = Object.fromEntries(values.map((value) => [value, value])) as Record<Value, Value>
  const valuesConfig = Object.fromEntries(values.map((value) => [value, { description: texts[value] }]))
  registerEnumType(members, { name, description, valuesConfig: valuesConfig as never })
  return members
}
