import type * as z from 'zod';

/** One environment variable. A secret `X` is also read from the file that `X_FILE` names. */
export interface EnvVariable<T> {
  readonly description: string;
  readonly schema: z.ZodType<T, string>;
  /** As one would set it; read by the same schema. `undefined` = unset means something of its own. */
  readonly default: string | undefined;
  readonly secret: boolean;
}

type Reader<T> = z.ZodType<T, string>;

export const withDefault = <T>(schema: Reader<T>, text: string, description: string): EnvVariable<T> => ({
  description,
  schema,
  default: text,
  secret: false,
});

export const optional = <T>(schema: Reader<T>, description: string): EnvVariable<T | undefined> => ({
  description,
  schema,
  default: undefined,
  secret: false,
});

export const secret = <T>(schema: Reader<T>, description: string): EnvVariable<T | undefined> => ({
  ...optional(schema, description),
  secret: true,
});
