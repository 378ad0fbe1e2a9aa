import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, requestText, statusOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';

const CAPACITY = 3;

describeFronts('RATE_LIMIT_KEY=bearer,basic,ip', (front) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      front,
      env: {
        RATE_LIMIT_KEY: 'bearer,basic,ip',
        RATE_LIMIT_ALLOWLIST: '',
        RATE_LIMIT_CAPACITY: String(CAPACITY),
        RATE_LIMIT_REFILL_RATE: '0.000001',
      },
    });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  const status = async (authorization: string): Promise<number> =>
    statusOf(await ask(pair.port, requestText('GET', '/proxy/x', [`Authorization: ${authorization}`])));
  const served = async (fields: readonly string[]): Promise<number> => {
    let count = 0;
    for (const field of fields) if ((await status(field)) === 200) count++;
    return count;
  };

  test('one token is one client, however its field is written', async () => {
    const schemes = ['Bearer', 'bearer', 'BEARER', 'bEaRer'];
    const fields = schemes.flatMap((scheme) => [' ', '  ', '   ', '\t '].map((blanks) => `${scheme}${blanks}t0ken`));
    expect(await served(fields)).toBe(CAPACITY);
    expect(await served(['Bearer another'])).toBe(1);
  });

  test('and so is one user with one password', async () => {
    expect(await served(['Basic YTpi', 'basic  YTpi', 'BASIC YTpi=', 'Basic YTpi', 'Basic YTpi=='])).toBe(CAPACITY);
  });

  test.each(['Bearer real random', 'Bearer real,random', 'Basic YTpi=random', 'Basic YWI='])(
    '%s, which two readers understand differently, is refused',
    async (field) => {
      expect(await status(field)).toBe(400);
    },
  );
});
