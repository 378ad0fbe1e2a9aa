import type { RequestListener } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freePort } from '../support/ports.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { commandIn, expectRefused } from './command.ts';

const report = z.object({
  ok: z.boolean(),
  status: z.number().nullable(),
  timings: z.object({ totalMs: z.number() }),
  body: z.string().optional(),
  bodyBytes: z.number().optional(),
});

const answers: RequestListener = (req, res) => {
  if (req.url === '/hang') return;
  if (req.url === '/stall') return void res.write('a beginning'); // and no end
  if (req.url === '/large') return void res.end('x'.repeat(100_000));
  if (req.url === '/odd') return void res.end('a\u001b[2Jb\n');
  if (req.url === '/moved') return void res.writeHead(302, { location: '/ok' }).end();
  if (req.url === '/broken') return void res.writeHead(500).end('broken\n');
  res.setHeader('x-method', req.method ?? '').end('{"status":"ok"}\n');
};

let server: Awaited<ReturnType<typeof httpUpstream>>;
let url: string;
const run = commandIn({});

beforeAll(async () => {
  server = await httpUpstream(answers);
  ({ url } = server);
});
afterAll(() => server[Symbol.asyncDispose]());

describe('gateway probe', () => {
  it('shows status, times, headers and body: 0', async () => {
    const [get, head, json] = await Promise.all([
      run('probe', `${url}/ok`),
      run('probe', `${url}/ok`, '--method', 'HEAD'),
      run('probe', `${url}/large`, '--json'),
    ]);
    expect([get.code, get.stderr]).toEqual([0, '']);
    expect(get.stdout).toMatch(/^200 OK {2}connect [\d.]+ m?s, first byte [\d.]+ m?s, total [\d.]+ m?s$/m);
    expect(get.stdout).toContain('\n{"status":"ok"}\n');
    expect(head.stdout).toMatch(/^x-method +HEAD$/m);
    expect(head.stdout).toContain('(no body)');
    const large = report.parse(JSON.parse(json.stdout));
    expect(large).toMatchObject({ ok: true, status: 200, bodyBytes: 100_000 });
    expect(large.body).toHaveLength(1_024);
  });

  it('ends with 1 unless the status is expected', async () => {
    const cases = [
      ['/broken', [], 1],
      ['/moved', [], 0],
      ['/moved', ['--expect', '200'], 1],
      ['/broken', ['--expect', '200,5xx'], 0],
    ] as const;
    const results = await Promise.all(cases.map(([path, options]) => run('probe', url + path, ...options)));
    expect(results.map(({ code }) => code)).toEqual(cases.map(([, , code]) => code));
    expect(results[2]?.stderr).toMatch(/302, expected 200\.$/m);
    expect(results[0]?.stdout).toContain('broken');
  });

  it('what comes cannot steer the terminal', async () => {
    expect((await run('probe', `${url}/odd`)).stdout).toContain('\na\\x1b[2Jb\n');
  });

  it('ends with 1 in words when nobody answers, or not in time', async () => {
    const free = await freePort();
    const [refused, hangs, stalls, json] = await Promise.all([
      run('probe', `http://127.0.0.1:${free}/`),
      run('probe', `${url}/hang`, '--timeout', '300ms'),
      run('probe', `${url}/stall`, '--timeout', '300ms'),
      run('probe', `http://127.0.0.1:${free}/`, '--json'),
    ]);
    expectRefused(refused, 1, /ECONNREFUSED.*no connection/);
    expectRefused(hangs, 1, /no answer in 300 ms \(connected in/);
    expectRefused(stalls, 1, /no whole answer in 300 ms/);
    expect(json.code).toBe(1);
    expect(report.parse(JSON.parse(json.stdout))).toMatchObject({ ok: false, status: null });
  });

  it('what is no URL is a usage error: 64', async () => {
    const [noUrl, other, time] = await Promise.all([
      run('probe', 'localhost:5000'),
      run('probe', 'ftp://127.0.0.1/'),
      run('probe', url, '--timeout', 'long'),
    ]);
    expectRefused(noUrl, 64, /expected a URL/);
    expectRefused(other, 64, /expected a URL/);
    expectRefused(time, 64, /--timeout.*long/);
  });
});
