import { describe, expect, it } from 'vitest';
import { parseWrk } from './wrk.ts';
import { wrkScript } from './wrk-script.ts';

const line = (status: number, statuses = ''): string =>
  `Running 1s test\n  Requests/sec: 5\nRESULT {"requests":1000,"us":2000000,"p50":700,"p90":900,"p99":1500,"p999":2000,"max":2500,"connect":0,"read":0,"write":0,"status":${status},"timeout":0,"statuses":{${statuses}}}\n`;

describe('parseWrk', () => {
  it('reads a clean run', () => {
    expect(parseWrk(line(0))).toEqual({
      requests: 1000,
      statuses: {},
      errors: 0,
      seconds: 2,
      p50Us: 700,
      p90Us: 900,
      p99Us: 1500,
      p999Us: 2000,
      maxUs: 2500,
      timeline: [],
      problems: [],
    });
  });

  it('takes refusals as they are where statuses were counted', () => {
    expect(parseWrk(line(3, '"200":997,"429":3'))).toMatchObject({ statuses: { '200': 997, '429': 3 }, problems: [] });
  });

  it('names what went wrong', () => {
    expect(parseWrk(line(3)).problems).toEqual(['status errors: 3']);
    expect(parseWrk(line(0).replace('"timeout":0', '"timeout":2'))).toMatchObject({
      errors: 2,
      problems: ['timeout errors: 2'],
    });
    expect(parseWrk(line(0).replace(':1000,', ':0,')).problems).toEqual(['no request was answered']);
  });

  it('takes ends of connections for errors unless there is one for each request', () => {
    const ended = line(0).replace('"read":0', '"read":1000');
    expect(parseWrk(ended).problems).toEqual(['read errors: 1000']);
    expect(parseWrk(ended, { newConnections: true })).toMatchObject({ errors: 0, problems: [] });
    const more = parseWrk(ended.replace('"read":1000', '"read":1003'), { newConnections: true });
    expect(more.problems).toEqual(['read errors: 3']);
  });

  it('refuses output without a result', () => {
    expect(() => parseWrk('unable to connect')).toThrow('no RESULT line');
  });
});

describe('wrkScript', () => {
  it('sets fields and body', () => {
    const script = wrkScript({ name: 'x', method: 'POST', requestBody: 'up', headers: { 'X-A': '1' } });
    expect(script).toContain('wrk.method = "POST"\nwrk.headers["X-A"] = "1"\nwrk.body = "up"\n');
  });

  it('keeps the quotes of a value, and sends pipelined requests as one', () => {
    const headers = { 'sec-ch-ua-platform': '"Linux"' };
    const script = wrkScript({ name: 'x', method: 'GET', requestBody: undefined, headers, pipelined: 10 });
    expect(script).toContain(String.raw`wrk.headers["sec-ch-ua-platform"] = "\"Linux\""`);
    expect(script).toContain('requests = wrk.format():rep(10)');
  });
});
