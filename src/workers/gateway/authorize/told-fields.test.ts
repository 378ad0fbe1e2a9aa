import { describe, expect, test } from 'vitest';
import { splitFields } from './told-fields.ts';

const lines = (...fields: readonly string[]): string => fields.map((field) => `${field}\r\n`).join('');
const split = (fields: string, told: readonly string[], guarded: readonly string[] = []) =>
  splitFields(fields, { told: new Set(told), guarded: new Set(guarded) });

describe('what is told', () => {
  test('is what the client wrote, in its order', () => {
    const fields = lines('A: 1', 'COOKIE: b=2; c=3', 'Authorization: Bearer x:y', 'cookie: d', 'Authorization-X: no');
    const { told, kept, repeated } = split(fields, ['authorization', 'cookie']);
    expect(told).toBe(lines('COOKIE: b=2; c=3', 'Authorization: Bearer x:y', 'cookie: d'));
    expect(kept).toBe(fields);
    expect(repeated).toBe(false);
  });

  test('is refused where it stands twice, unless that means one thing only', () => {
    expect(split(lines('X-Token: 1', 'x-token: 1'), ['x-token']).repeated).toBe(true);
    expect(split(lines('authorization: a', 'Authorization: b'), ['authorization']).repeated).toBe(true);
    expect(split(lines('Cookie: a', 'Cookie: b'), ['cookie']).repeated).toBe(false);
    expect(split(lines('Accept: a', 'Accept: b', 'accept-language: c'), ['accept', 'accept-language']).repeated).toBe(
      false,
    );
    expect(split(lines('X: 1', 'X: 2', 'X-Token: 1'), ['x-token']).repeated).toBe(false);
  });

  test('may be nothing', () => {
    expect(split('', ['cookie'], ['x-user'])).toEqual({ told: '', kept: '', repeated: false });
  });
});

describe('what is guarded', () => {
  test.each([
    [['X-User: root', 'A: 1'], ['A: 1']],
    [['A: 1', 'x-user: root'], ['A: 1']],
    [
      ['A: 1', 'X-USER: a', 'B: 2', 'x-user: b', 'X-User-Id: 7'],
      ['A: 1', 'B: 2', 'X-User-Id: 7'],
    ],
    [['X_User: root', 'X.User: root', 'x!user: root', 'XX_User: 1'], ['XX_User: 1']],
    [['X-User:'], []],
  ])('%j is left as %j', (before, after) => {
    expect(split(lines(...before), [], ['x-user']).kept).toBe(lines(...after));
  });

  test('can be told all the same', () => {
    const { told, kept } = split(lines('Authorization: a', 'B: c'), ['authorization'], ['authorization']);
    expect([told, kept]).toEqual([lines('Authorization: a'), lines('B: c')]);
  });
});
