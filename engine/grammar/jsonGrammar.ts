// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { Comparisons, disjoint } from './disjoint.ts'
import { Grammar } from './grammar.ts'
import { colon, comma, delimitedList, JsonTerminals } from './json.ts'
import { checkKeywords, isOfType, isSchema, resolveReference, type Schema, SchemaError, typesOf } from './keywords.ts'
import { call, choice, type Fragment, literalText, Nfa, sequence } from './nfa.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * A grammar of JSON texts that satisfy a schema (JSON Schema 2020-12). Supported: objects with the listed properties only, in
 * the schema's order, or with any when none are listed; arrays with `minItems` and `maxItems`; strings with `minLength` and `maxLength`; numbers, integers,
 * booleans, null; `enum`, `const`, `anyOf`, `oneOf` with disjoint cases, and `$ref` to `$defs`. Every text of the grammar
 * satisfies the schema. @throws SchemaError that names an unsupported keyword.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { jsonGrammar } from '#engine/grammar/jsonGrammar.ts'
 * import { Vocabulary } from '#engine/grammar/vocabulary.ts'
 * import { Tokenizer } from '#engine/text/tokenizer.ts'
 * import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
 *
 * const tokenizer = new Tokenizer(trainTokenizer([], { vocabSize: 260 }))
 * const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] }
 * const grammar = jsonGrammar(schema, new Vocabulary(tokenizer))
 * assert.equal(grammar.minTokens, '{"ok":true}'.length) // one token per byte
 * assert.throws(() => jsonGrammar({ type: 'string', pattern: 'a*' }, grammar.vocabulary), /pattern/)
 * ```
 */
export function jsonGrammar(schema: unknown, vocabulary: Vocabulary): Grammar {
  const nfa = new Nfa()
  const start = nfa.rule()
  nfa.fill(start, new Compiler(nfa, schema).part(schema, '#'))
  return new Grammar(nfa, start, vocabulary)
}

class Compiler {
  private readonly terminals: JsonTerminals
  private readonly definitions = new Map<string, number>()
  private readonly comparisons = new Comparisons()

  constructor(
    private readonly nfa: Nfa,
    private readonly root: unknown,
  ) {
    this.terminals = new JsonTerminals(nfa)
  }

  part(schema: unknown, path: string): Fragment {
    if (schema === true) return call(this.terminals.any)
    if (!isSchema(schema)) throw new SchemaError(path, 'is not a schema: give an object, or true for any value')
    checkKeywords(schema, path)
    if (schema.$ref !== undefined) return call(this.definition(schema.$ref, path))
    if ('const' in schema) return literal(schema.const)
    if (schema.enum) return choice(...this.enumValues(schema.enum, schema, path).map(literal))
    if (schema.anyOf) return choice(...this.cases(schema.anyOf, `${path}/anyOf`))
    if (schema.oneOf) return this.exclusive(schema.oneOf, `${path}/oneOf`)
    if (schema.type === undefined) return call(this.terminals.any)
    return choice(...typesOf(schema).map((type) => this.typed(type, schema, path)))
  }

  private typed(type: string, schema: Schema, path: string): Fragment {
    const { terminals } = this
    switch (type) {
      case 'object':
        return this.object(schema, path)
      case 'array':
        return this.array(schema, path)
      case 'string':
        return terminals.string(schema.minLength, schema.maxLength)
      case 'number':
        return call(terminals.number)
      case 'integer':
        return call(terminals.integer)
      case 'boolean':
        return choice(literalText('true'), literalText('false'))
      default:
        return literalText('null')
    }
  }

  /** Properties in the order of the schema; those that are not required may be left out. */
  private object({ properties, required = [], additionalProperties }: Schema, path: string): Fragment {
    if (properties === undefined && required.length === 0 && additionalProperties === undefined)
      return this.terminals.anyObject
    return this.members(properties ?? {}, required, path)
  }

  private members(properties: Readonly<Record<string, unknown>>, required: readonly string[], path: string): Fragment {
    const names = Object.keys(properties)
    const unknown = required.find((name) => !names.includes(name))
    if (unknown !== undefined)
      throw new SchemaError(path, `requires ${JSON.stringify(unknown)}, which is not one of its properties`)
    const members = names.map((name) => ({
      part: sequence(
        literalText(JSON.stringify(name)),
        colon,
        this.part(properties[name], `${path}/properties/${name}`),
      ),
      required: required.includes(name),
    }))
    return (nfa, from) => {
      // Two paths through the members: before the first member that is present (no comma), and after it (comma).
      let none: number | undefined = literalText('{')(nfa, from)
      let some: number | undefined
      for (const { part, required } of members) {
        const end = nfa.state()
        const read = (at: number, before?: Fragment) => {
          const start = nfa.state()
          nfa.states[at]!.skips.push(start)
          nfa.states[(before ? sequence(before, part) : part)(nfa, start)]!.skips.push(end)
        }
        if (none !== undefined) read(none)
        if (some !== undefined) read(some, comma)
        if (some !== undefined && !required) nfa.states[some]!.skips.push(end)
        if (required) none = undefined
        some = end
      }
      const last = nfa.state()
      for (const at of [none, some]) if (at !== undefined) nfa.states[at]!.skips.push(last)
      return literalText('}')(nfa, last)
    }
  }

  private array({ items = true, minItems = 0, maxItems }: Schema, path: string): Fragment {
    if (maxItems !== undefined && maxItems < minItems)
      throw new SchemaError(path, `wants at least ${minItems} and at most ${maxItems} items`)
    // A separate rule, so that all items share one copy.
    const item = this.nfa.rule(this.part(items, `${path}/items`))
    return delimitedList('[', call(item), ']', minItems, maxItems)
  }

  private enumValues(values: readonly unknown[], schema: Schema, path: string): unknown[] {
    const types = schema.type === undefined ? undefined : typesOf(schema)
    const kept = values.filter((value) => types === undefined || types.some((type) => isOfType(value, type)))
    if (kept.length === 0) throw new SchemaError(path, 'has an enum without a value of its type')
    return kept
  }

  private cases(schemas: readonly unknown[], path: string): Fragment[] {
    return schemas.map((each, index) => this.part(each, `${path}/${index}`))
  }

  private exclusive(schemas: readonly unknown[], path: string): Fragment {
    schemas.forEach((a, i) => {
      for (let j = i + 1; j < schemas.length; j++)
        if (!disjoint(a, schemas[j], this.root, this.comparisons))
          throw new SchemaError(
            path,
            `has cases ${i} and ${j} that one value may both satisfy; use anyOf, or distinguish them by a required property with a const`,
          )
    })
    return choice(...this.cases(schemas, path))
  }

  /** The rule of a definition, which may be recursive. */
  private definition(reference: string, path: string): number {
    const known = this.definitions.get(reference)
    if (known !== undefined) return known
    const rule = this.nfa.rule()
    this.definitions.set(reference, rule)
    this.nfa.fill(rule, this.part(resolveReference(reference, this.root, path), reference))
    return rule
  }
}

const literal = (value: unknown): Fragment => literalText(JSON.stringify(value))
