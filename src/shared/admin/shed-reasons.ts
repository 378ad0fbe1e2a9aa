import type { OverloadAnswer } from './overload.ts';

type Shed = OverloadAnswer['shed'];

const WORDS = {
  upstream: 'because an upstream had no room',
  client: 'because one client had too many under way',
  loop: 'because request threads were late',
  connections: 'because one address made too many connections a second',
} as const satisfies Record<keyof Shed, string>;

/** How many were refused and why, for people; empty: none. @param least of one reason that are worth a word */
export const shedReasons = (shed: Shed, least = 1): readonly string[] =>
  (Object.keys(WORDS) as (keyof Shed)[]).flatMap((reason) =>
    shed[reason] >= least ? [`${shed[reason]} ${WORDS[reason]}`] : [],
  );
