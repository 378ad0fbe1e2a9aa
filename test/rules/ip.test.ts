import { expect, it } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import type { LogLine } from '../support/gateway.ts';
import { statusOf } from '../support/http.ts';
import { browsedStatuses, codeOf, startBrowsed } from './browsed.ts';

const ROUTES = `
  - { path: /inner, upstream: o, ip: { allow: [10.0.0.0/8, "2001:db8::/32"], deny: [10.9.0.0/16] } }
  - { path: /most, upstream: o, ip: { deny: [203.0.113.7] } }
  - { path: /any, upstream: o }
  - { path: /fixed, respond: { text: hello }, ip: { allow: [10.0.0.0/8] } }
`;

describeFronts('addresses that a route takes', (front) => {
  it('by the client’s address as far as it can be believed; deny wins; lists for all routes hold too', async () => {
    const env = { TRUSTED_PROXIES: '127.0.0.1', IP_DENY: '198.51.100.0/24' };
    await using browsed = await startBrowsed(ROUTES, { front, env });
    const from = (address: string, ...paths: string[]) =>
      browsedStatuses(browsed, paths, [`X-Forwarded-For: ${address}`]);
    expect(await from('10.1.2.3', '/inner', '/most', '/any', '/fixed')).toEqual([200, 200, 200, 200]);
    expect(await from('2001:DB8::9', '/inner', '/fixed')).toEqual([200, 403]);
    expect(await from('10.9.2.3', '/inner', '/fixed')).toEqual([403, 200]);
    expect(await from('203.0.113.7', '/inner', '/most', '/any')).toEqual([403, 403, 200]);
    expect(await from('203.0.113.8', '/inner', '/most', '/fixed')).toEqual([403, 200, 403]);
    expect(await from('198.51.100.1', '/inner', '/most', '/any', '/fixed')).toEqual([403, 403, 403, 403]);
    // What a client says of itself in front of what a trusted proxy has seen is not believed.
    expect(await from('10.1.2.3, 203.0.113.8', '/inner')).toEqual([403]);
    expect(await from('198.51.100.1', '/health', '/ready', '/nowhere')).toEqual([200, 200, 404]);

    const refused = await browsed.ask('GET', '/inner', ['X-Forwarded-For: 10.9.2.3']);
    expect([statusOf(refused), codeOf(refused)]).toEqual([403, 'ip_not_allowed']);
    const isTold = (line: LogLine): boolean => line['outcome'] === 'ip_not_allowed' && line['client'] === '10.9.2.3';
    expect(await browsed.gateway.waitForLog(isTold)).toMatchObject({ route: 'inner', status: 403 });
    const before = browsed.upstream.requests.length;
    await from('203.0.113.8', '/inner');
    expect(browsed.upstream.requests).toHaveLength(before);
  });

  it('who names himself is not believed without a trusted proxy; a reload takes up other lists', async () => {
    await using browsed = await startBrowsed(ROUTES, { front, env: { IP_ALLOW: '127.0.0.0/8,10.0.0.0/8' } });
    const statuses = () => browsedStatuses(browsed, ['/inner', '/any'], ['X-Forwarded-For: 10.1.2.3']);
    expect(await statuses()).toEqual([403, 200]);
    await browsed.reload(
      '  - { path: /inner, upstream: o, ip: { allow: [127.0.0.1] } }\n  - { path: /any, upstream: o, ip: { deny: [127.0.0.1] } }',
    );
    expect(await statuses()).toEqual([200, 403]);
  });
});
