/** Capacity and tokens a second of the profiles that are there without being defined. */
export const SHIPPED_PROFILES = {
  iot: { capacity: 10_000, refillPerSecond: 1_000 },
  web: { capacity: 1_000, refillPerSecond: 100 },
  partner: { capacity: 500, refillPerSecond: 50 },
} as const;

export type ShippedProfile = keyof typeof SHIPPED_PROFILES;
export const SHIPPED_PROFILE_NAMES = ['iot', 'web', 'partner'] as const satisfies readonly ShippedProfile[];

/** What fields and metrics call a bucket of a profile; no rule of a route has such a name. */
export const profileLabel = (profile: string, name: string): string =>
  name === '' ? `profile:${profile}` : `profile:${profile}:${name}`;
