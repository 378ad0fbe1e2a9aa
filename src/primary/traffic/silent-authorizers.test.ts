import { expect, test } from 'vitest';
import { configOf } from '../../shared/config/test-reading.ts';
import type { Config } from '../../shared/config/types.ts';
import { SilentAuthorizers } from './silent-authorizers.ts';

const config = (route: string): Config =>
  configOf(
    { GATEWAY_CONFIG: 'g.yaml' },
    { 'g.yaml': `upstreams: { o: { url: http://o } }\nroutes: [{ path: /a, upstream: o${route} }]` },
  );

test('an authorizer whose breaker is not closed is named, and no other upstream', () => {
  let reasons: readonly string[] = [];
  let told = 0;
  const degraded = {
    of: () => reasons,
    set: (_part: unknown, now: readonly string[]) => {
      told++;
      reasons = now;
    },
  };
  const silent = new SilentAuthorizers(config(', authorize: { url: "http://authz" }'), degraded);
  const upstream = 'authorizer:http:authz';
  silent.look([
    { upstream: 'o', state: 'OPEN', mode: 'on' },
    { upstream, state: 'HALF_OPEN', mode: 'on' },
  ]);
  expect(reasons).toEqual([`the circuit breaker of ${upstream}, which routes ask who may pass, is HALF_OPEN`]);
  silent.look([{ upstream, state: 'OPEN', mode: 'shadow' }]);
  expect(reasons).toEqual([]);
  silent.look([{ upstream, state: 'OPEN', mode: 'on' }]);
  expect(reasons).toHaveLength(1);
  silent.configure(config(''));
  silent.look([{ upstream, state: 'OPEN', mode: 'on' }]);
  expect(reasons).toEqual([]);
  silent.look([{ upstream: 'o', state: 'OPEN', mode: 'on' }]);
  expect(told).toBe(4);
});
