import { describe, expect, it } from 'vitest';
import { parseAutocannon, parseWrk } from './load.ts';

const wrkLine = (status: number, statuses = ''): string =>
  `Running 1s test\n  Requests/sec: 5\nRESULT {"requests":1000,"us":2000000,"p50":700,"p99":1500,"connect":0,"read":0,"write":0,"status":${status},"timeout":0,"statuses":{${statuses}}}\n`;

describe('parseWrk', () => {
  it('reads a clean run', () => {
    expect(parseWrk(wrkLine(0))).toEqual({
      requests: 1000,
      statuses: {},
      seconds: 2,
      p50Us: 700,
      p99Us: 1500,
      problems: [],
    });
  });

  it('takes refusals as they are where statuses were counted', () => {
    expect(parseWrk(wrkLine(3, '"200":997,"429":3'))).toMatchObject({
      statuses: { '200': 997, '429': 3 },
      problems: [],
    });
  });

  it('names what went wrong', () => {
    expect(parseWrk(wrkLine(3)).problems).toEqual(['status errors: 3']);
    expect(parseWrk(wrkLine(0).replace(':1000,', ':0,')).problems).toEqual(['no request was answered']);
  });

  it('refuses output without a result', () => {
    expect(() => parseWrk('unable to connect')).toThrow('no RESULT line');
  });
});

describe('parseAutocannon', () => {
  const run = {
    duration: 2.01,
    '2xx': 900,
    non2xx: 0,
    errors: 0,
    timeouts: 0,
    resets: 0,
    latency: { p50: 1, p99: 3.5 },
  };

  it('counts complete 2xx answers', () => {
    const seen = parseAutocannon(JSON.stringify(run));
    expect(seen).toMatchObject({ requests: 900, seconds: 2.01, p50Us: 1000, p99Us: 3500, problems: [] });
  });

  it('names what went wrong', () => {
    expect(parseAutocannon(JSON.stringify({ ...run, non2xx: 2, resets: 1 })).problems).toEqual([
      'non2xx: 2',
      'resets: 1',
    ]);
  });
});
