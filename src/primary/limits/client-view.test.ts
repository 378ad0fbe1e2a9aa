import { expect, test } from 'vitest';
import type { OnStoreFailure } from '../../shared/limits/rule.ts';
import { compileRule } from '../../shared/limits/rule.ts';
import { clientView } from './client-view.ts';
import type { ClientFacts } from './client-view.ts';

const rule = compileRule({ name: 'burst', capacity: 10, refillPerSecond: 2 });
const slow = compileRule({ name: '', capacity: 100, refillPerSecond: 1 });

const facts = (tokens: number, more: Partial<ClientFacts> = {}): ClientFacts => ({
  client: 'c',
  scope: 'cluster',
  allowlisted: false,
  override: undefined,
  buckets: [
    { rule, cost: 3, level: { exists: true, isAsStored: true, tokens, limit: rule } },
    { rule: slow, cost: 3, level: { exists: true, isAsStored: true, tokens, limit: slow } },
  ],
  routes: [{ name: 'r', rules: [rule, slow], cost: 3, shadow: false, onStoreFailure: 'local' }],
  profile: undefined,
  storeAway: false,
  ...more,
});

test('of several rules that refuse it names the one with the longest wait', () => {
  const view = clientView(facts(0.5));
  expect(view.routes[0]).toMatchObject({ wouldPass: false, refusedBy: 'default', retryAfterSeconds: 3 });
  expect(view.buckets).toMatchObject([
    { rule: 'burst', tokens: 0.5, fullInSeconds: 5 },
    { rule: 'default', fullInSeconds: 100 },
  ]);
  expect(clientView(facts(3)).routes[0]).toMatchObject({ wouldPass: true, refusedBy: null, retryAfterSeconds: 0 });
});

test('a ban comes before the allow-list, an exemption before the buckets', () => {
  const banned = clientView(facts(9, { allowlisted: true, override: { state: 'BANNED', remainingMs: 1_500 } }));
  expect(banned.override).toEqual({ state: 'BANNED', remainingSeconds: 2 });
  expect(banned.routes[0]).toMatchObject({ wouldPass: false, refusedBy: 'ban', retryAfterSeconds: 2 });
  const exempt = clientView(facts(0, { override: { state: 'EXEMPT', remainingMs: 1 } }));
  expect(exempt.routes[0]).toMatchObject({ wouldPass: true, refusedBy: null });
  expect(clientView(facts(0, { allowlisted: true })).routes[0]).toMatchObject({ wouldPass: true });
});

test('while Redis is away each route goes on as it says', () => {
  const routes = (['local', 'open', 'closed'] as const).map((onStoreFailure: OnStoreFailure) => ({
    name: onStoreFailure,
    rules: [rule],
    cost: 1,
    shadow: false,
    onStoreFailure,
  }));
  expect(clientView(facts(0, { routes, storeAway: true })).routes).toMatchObject([
    { wouldPass: false, refusedBy: 'burst', retryAfterSeconds: 1 },
    { wouldPass: true, refusedBy: null },
    { wouldPass: false, refusedBy: null, retryAfterSeconds: 1 },
  ]);
  expect(clientView(facts(5, { routes })).routes.every(({ wouldPass }) => wouldPass)).toBe(true);
});
