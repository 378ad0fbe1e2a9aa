import { ENV } from '../../src/shared/config/env-table.ts';
import type { FrontKind } from '../../src/shared/config/types.ts';

/** A gateway as it is measured: its name in the result, and what is set for it. */
export interface GatewayVariant {
  readonly name: string;
  readonly front: FrontKind;
  readonly env: Readonly<Record<string, string>>;
}

/** The fronts that a list such as `native,uws` names, each once; undefined = one of them is none. */
export function parseFronts(text: string): readonly FrontKind[] | undefined {
  const fronts = text.split(',').flatMap((name) => {
    const parsed = ENV.FRONT.schema.safeParse(name);
    return parsed.success ? [parsed.data] : [];
  });
  return fronts.length === text.split(',').length ? [...new Set(fronts)] : undefined;
}

/**
 * One gateway for each front that is asked for, named after it; else just the gateway, with the front it has unless told,
 * so that results keep their names when that changes.
 */
export function gatewayVariants(fronts: readonly FrontKind[] | undefined): readonly GatewayVariant[] {
  if (fronts !== undefined) return fronts.map((front) => ({ name: `gateway, ${front}`, front, env: { FRONT: front } }));
  return [{ name: 'gateway', front: ENV.FRONT.schema.parse(ENV.FRONT.default), env: {} }];
}

/** Whether the build that this bench belongs to reads a setting at all: one that it does not know would change nothing. */
export const knowsSetting = (name: string): boolean => name in ENV;
