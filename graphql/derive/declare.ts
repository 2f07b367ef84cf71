import type { GraphQLObjectType, GraphQLSchema } from 'graphql'
import { Arg, Ctx, Field, Info, Root } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'

/** Applies type-graphql's decorators to classes that are created at run time. */

type TypeOf = () => unknown

/** An empty class with this name, to which type-graphql can attach a type. */
export const classNamed = (name: string): EntityClass => ({ [name]: class {} })[name] as EntityClass

/** Declares a field of an object or input type. */
export function declareField(
  owner: EntityClass,
  name: string,
  type: TypeOf,
  options: { nullable?: boolean; description?: string; defaultValue?: unknown; complexity?: number } = {},
) {
  Field(type as () => typeof String, options)(owner.prototype, name)
}

export interface ArgDeclaration {
  name: string
  type: TypeOf
  description: string
  nullable?: boolean
}

/** A generated resolver. */
// biome-ignore lint/suspicious/noExplicitAny: the schema defines the shapes of arguments and rows, at run time
export type Resolve = (args: any, call: { root: any; context: any; info: any }) => unknown

/** Gives `owner` the method `name` with these arguments, decorated by `kind` (Query, Mutation or FieldResolver). */
export function declareMethod(
  owner: EntityClass,
  name: string,
  kind: MethodDecorator,
  args: readonly ArgDeclaration[],
  resolve: Resolve,
) {
  const { prototype } = owner
  prototype[name] = (root: unknown, context: unknown, info: unknown, ...values: unknown[]) =>
    resolve(Object.fromEntries(args.map((arg, i) => [arg.name, values[i]])), { root, context, info })
  Root()(prototype, name, 0)
  Ctx()(prototype, name, 1)
  Info()(prototype, name, 2)
  args.forEach((arg, i) => {
    const options = { nullable: arg.nullable ?? true, description: arg.description }
    Arg(arg.name, arg.type as () => typeof String, options)(prototype, name, 3 + i)
  })
  kind(prototype, name, { value: prototype[name] })
}

const direct: { type: string; name: string; resolve: Resolve }[] = []

/** As `declareMethod`, for a field of the GraphQL type `type` whose arguments need no conversion: graphql-js calls `resolve` without
 *  type-graphql in between, which halves the time of lists with relations. */
export function declareDirect(
  type: string,
  owner: EntityClass,
  name: string,
  kind: MethodDecorator,
  args: readonly ArgDeclaration[],
  resolve: Resolve,
) {
  declareMethod(owner, name, kind, args, resolve)
  direct.push({ type, name, resolve })
}

/** Installs the resolvers that `declareDirect` registered. */
export function resolveDirectly(schema: GraphQLSchema): void {
  for (const { type, name, resolve } of direct) {
    const field = (schema.getType(type) as GraphQLObjectType).getFields()[name]
    if (!field) throw new Error(`The schema has no field ${type}.${name}`)
    field.resolve = (root, args, context, info) => resolve(args, { root, context, info })
  }
}
