/** How much a request matters where not all can be served; the most important first. Never from anything a client says. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;
export type PriorityName = (typeof PRIORITIES)[number];

/** Place in PRIORITIES: the smaller, the more it matters. */
export type Priority = 0 | 1 | 2;

export const NORMAL: Priority = 1;
export const LOW: Priority = 2;

/** @returns undefined: nothing is said */
export const priorityOf = (name: PriorityName | undefined): Priority | undefined =>
  name === undefined ? undefined : (PRIORITIES.indexOf(name) as Priority);
