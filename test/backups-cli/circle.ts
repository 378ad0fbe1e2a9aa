import type { TestRedis } from '../support/redis.ts';

/** What operators have said of clients, as Redis holds it. */
export async function overridesOf({ client }: TestRedis): Promise<Readonly<Record<string, string>>> {
  const fields = Object.entries(await client.hgetall('api-gateway:limit-overrides'));
  return Object.fromEntries(fields.filter(([name]) => !name.startsWith('#')));
}

/** The holds of operators over breakers, as Redis holds them. */
export async function holdsOf({ client }: TestRedis): Promise<Readonly<Record<string, string>>> {
  const fields = Object.entries(await client.hgetall('api-gateway:circuit-breaker'));
  return Object.fromEntries(fields.filter(([name]) => /:forced(_at|_until)?$/.test(name)));
}
