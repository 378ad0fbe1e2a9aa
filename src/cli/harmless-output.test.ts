import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { gateway, withAdmin } from './main.fixture.ts';

describe('what a gateway says cannot steer the terminal', () => {
  const EVIL = 'x\u001b[2J\u009b2J\u007f\u202e\ny';
  // oxlint-disable-next-line no-control-regex -- these are the characters it is about
  const RAW = /[\u001b\u007f-\u009f\u202e]/;
  const event = { id: 1, at: '2026-11-23T00:00:00.000Z', type: 'thread', message: EVIL, details: { [EVIL]: EVIL } };
  const config = { [EVIL]: { list: [EVIL, 'plain', 'two\nlines\t', 'two\nlines'], plain: EVIL } };

  test.each([
    [['reload'], { version: 3, needsRestart: [EVIL], complete: true }],
    [['events'], [event]],
    [['config'], config],
    [['reload', '--json'], { version: 3, needsRestart: [EVIL], complete: true }],
    [['events', '--json'], event],
    [['config', '--json'], config],
  ])('gateway %j', async (args, answer) => {
    await withAdmin(
      (_req, res) => res.end(JSON.stringify(args[0] === 'events' ? [answer].flat() : answer)),
      async (port) => {
        const { code, out, err } = await gateway([...args, '--url', `http://127.0.0.1:${port}`]);
        expect(code).toBe(0);
        expect(out + err).toContain('2J');
        expect(out).not.toMatch(RAW);
        expect(err).not.toMatch(RAW);
        expect(err).not.toContain('\ny'); // no line of its own
      },
    );
  });

  test.each([
    [['config'], (text: string): unknown => parse(text)],
    [['config', '--json'], (text: string): unknown => JSON.parse(text)],
  ])('gateway %j says the same all the same', async (args, read) => {
    await withAdmin(
      (_req, res) => res.end(JSON.stringify(config)),
      async (port) => {
        const { out } = await gateway([...args, '--url', `http://127.0.0.1:${port}`]);
        expect(read(out)).toEqual(config);
      },
    );
  });

  test.each([
    [200, JSON.stringify({ version: 'no', needsRestart: [], complete: true, [EVIL]: 1 }), 69],
    [200, EVIL, 69],
    [404, EVIL, 69],
    [422, JSON.stringify({ detail: EVIL, problems: [EVIL] }), 78],
  ])('answered %i %j', async (status, body, exitCode) => {
    await withAdmin(
      (_req, res) => res.writeHead(status).end(body),
      async (port) => {
        const { code, err } = await gateway(['reload', '--url', `http://127.0.0.1:${port}`]);
        expect(code).toBe(exitCode);
        expect(err).not.toMatch(RAW);
        expect(err).not.toContain('\ny');
      },
    );
  });

  test('nor can an argument or a file', async () => {
    expect((await gateway([`x${EVIL}`])).err).not.toMatch(RAW);
    const checked = await gateway(['check'], { env: { NODE_NAME: EVIL, GATEWAY_CONFIG: EVIL } });
    expect(checked.err).not.toMatch(RAW);
  });
});
