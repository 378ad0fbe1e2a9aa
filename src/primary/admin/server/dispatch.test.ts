import { describe, expect, test } from 'vitest';
import { createLog } from '../../../shared/log.ts';
import { json } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import { startAdminServer } from './server.ts';

describe('the audit line', () => {
  test('of a reload comes before its work too, and that of a drain before its work', async () => {
    const lines: string[] = [];
    const log = createLog({ level: 'silent', name: 'test' });
    const told = (fields: { status?: number; operation?: string }, text: string): void =>
      void lines.push([text, fields.operation, fields.status].filter(Boolean).join(' '));
    const work = (id: string): void => void lines.push(`${id} works`);
    const changes = [
      operation({
        method: 'POST',
        path: '/admin/reload',
        id: 'reload',
        summary: '',
        longWork: true,
        handle: async () => {
          work('reload');
          return Promise.resolve(json(200, {}));
        },
      }),
      operation({
        method: 'POST',
        path: '/admin/drain',
        id: 'drain',
        summary: '',
        handle: () => ({ ...json(202, {}), afterSent: () => work('drain') }),
      }),
    ];
    const audited = await startAdminServer({
      host: '127.0.0.1',
      port: 0,
      operations: changes,
      token: () => ({ kind: 'given', token: 'secret' }),
      log: Object.assign(log, { info: told }),
    });
    for (const path of ['/admin/reload', '/admin/drain']) {
      const res = await fetch(`http://127.0.0.1:${audited.port}${path}`, {
        method: 'POST',
        headers: { authorization: 'Bearer secret' },
      });
      await res.text();
    }
    await audited.close();
    expect(lines).toEqual([
      'admin change begins reload',
      'reload works',
      'admin change reload 200',
      'admin change drain 202',
      'drain works',
    ]);
  });
});
