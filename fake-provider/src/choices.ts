import { z } from 'zod';

/** Something that a configuration chooses by name and sets with options of its own: a fault, a limit, a defect. */
interface Choice {
  readonly name: string;
  readonly options: z.ZodType;
}

type Choices<Key extends string, Common extends z.ZodRawShape, Index extends Readonly<Record<string, Choice>>> = {
  [Name in keyof Index & string]: z.ZodObject<
    { [key in Key]: z.ZodLiteral<Name> } & Common & { with: z.ZodPrefault<Index[Name]['options']> },
    z.core.$strict
  >;
}[keyof Index & string];

/**
 * The schema of one entry that names something of an index and sets it: `{ fault: 'hang', with: { … } }`, with the
 * fields that are common to all beside. What is set is checked by the options of what is named.
 */
export function choices<
  const Key extends string,
  Common extends z.ZodRawShape,
  Index extends Readonly<Record<string, Choice>>,
>(
  key: Key,
  index: Index,
  common: Common,
): z.ZodDiscriminatedUnion<[Choices<Key, Common, Index>, ...Choices<Key, Common, Index>[]], Key> {
  const entries = Object.values(index).map(({ name, options }) =>
    z.strictObject({ [key]: z.literal(name), ...common, with: options.prefault({}) }),
  );
  // Built from the index, so that nothing is listed twice; the type above says what the compiler cannot follow here.
  return z.discriminatedUnion(key, entries as never) as never;
}
