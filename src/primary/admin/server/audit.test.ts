import { expect, test } from 'vitest';
import type { Log } from '../../../shared/log.ts';
import { Audit } from './audit.ts';
import type { AuditEntry } from './audit.ts';

type Line = readonly [level: string, fields: Readonly<Record<string, unknown>>, text: string];

function setUp() {
  const lines: Line[] = [];
  let nowMs = 0;
  const write =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, text: string): void =>
      void lines.push([level, fields, text]);
  const log = { level: 'silent', info: write('info'), warn: write('warn') } as unknown as Log;
  return { lines, audit: new Audit(log, () => nowMs), later: (ms: number) => (nowMs += ms) };
}

const ENTRY: AuditEntry = {
  who: 'token',
  remoteAddress: '10.0.0.1',
  method: 'POST',
  path: '/admin/breakers/a',
  operation: 'changeBreaker',
  status: 200,
};

test('a change is one line, with what was asked for', () => {
  const { lines, audit } = setUp();
  audit.record({ ...ENTRY, body: { state: 'OPEN', for: 5 } });
  expect(lines).toEqual([
    [
      'info',
      {
        audit: true,
        who: 'token',
        remote_address: '10.0.0.1',
        method: 'POST',
        path: '/admin/breakers/a',
        operation: 'changeBreaker',
        status: 200,
        body: { state: 'OPEN', for: 5 },
      },
      'admin change',
    ],
  ]);
});

test('long texts are shortened', () => {
  const { lines, audit } = setUp();
  audit.record({ ...ENTRY, path: `/admin/${'x'.repeat(9_000)}`, body: { rule: 'y'.repeat(60_000) } });
  expect(JSON.stringify(lines).length).toBeLessThan(800);
});

test('refused changes are warnings, ten a second at most; the rest is counted', () => {
  const { lines, audit, later } = setUp();
  for (let i = 0; i < 25; i++) audit.record({ ...ENTRY, who: 'refused', status: 401 });
  expect(lines.map(([level]) => level)).toEqual(Array(10).fill('warn'));
  audit.record(ENTRY);
  expect(lines).toHaveLength(11);
  later(1_000);
  audit.record({ ...ENTRY, who: 'refused', status: 401 });
  expect(lines.at(-1)?.[1]).toMatchObject({ who: 'refused', not_logged_before: 15 });
  later(3_600_000);
  audit.record({ ...ENTRY, who: 'refused', status: 401 });
  expect(lines.at(-1)?.[1]).not.toHaveProperty('not_logged_before');
});
