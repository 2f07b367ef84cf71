import type { GraphQLObjectType, GraphQLSchema } from 'graphql'
import { Arg, Ctx, Field, Info, Root } from 'type-graphql'
import type { EntityClass } from '#schema/define.ts'

/** type-graphql's decorators, applied to classes that are made at run time. */

type TypeOf = () => unknown

/** A class with this name, for type-graphql to hang a type on. */
export const classNamed = (name: string): EntityClass => ({ [name]: class {} })[name] as EntityClass

/** Declares a field of an object or input type. */
export function declareField(
  owner: EntityClass,
  name: string,
  type: TypeOf,
  options: { nullable?: boolean; description?: string; defaultValue?: unknown } = {},
) {
  Field(type as () => typeof String, options)(owner.prototype, name)
}

export interface ArgDeclaration {
  name: string
  type: TypeOf
  description: string
  nullable?: boolean
}

/** What a generated resolver is called with. */
// biome-ignore lint/suspicious/noExplicitAny: arguments and rows have the shapes that the schema gives them
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

const direct = new Map<string, Resolve>()

/** As `declareMethod`, for a field of the type called `type` whose arguments need no conversion: the schema calls `resolve` itself, which for
 *  lists with relations takes half the time. */
export function declareDirect(
  type: string,
  owner: EntityClass,
  name: string,
  kind: MethodDecorator,
  args: readonly ArgDeclaration[],
  resolve: Resolve,
) {
  declareMethod(owner, name, kind, args, resolve)
  direct.set(`${type}.${name}`, resolve)
}

/** Gives the fields that were declared direct their resolvers. */
export function resolveDirectly(schema: GraphQLSchema): void {
  for (const [place, resolve] of direct) {
    const [type, name] = place.split('.') as [string, string]
    const field = (schema.getType(type) as GraphQLObjectType).getFields()[name]!
    field.resolve = (root, args, context, info) => resolve(args, { root, context, info })
  }
}
