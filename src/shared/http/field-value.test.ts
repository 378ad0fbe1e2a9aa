import { expect, test } from 'vitest';
import { singleField } from './field-value.ts';

test('the value of a field, in whatever case its name is', () => {
  const lines = 'Host: a\r\nORIGIN: https://a\r\nx-origin: b\r\nAccess-Control-Request-Method: PUT\r\nEmpty: \r\n';
  expect(singleField(lines, 'origin')).toBe('https://a');
  expect(singleField(lines, 'access-control-request-method')).toBe('PUT');
  expect(singleField(lines, 'empty')).toBe('');
  expect(singleField(lines, 'orig')).toBeUndefined();
  expect(singleField('', 'origin')).toBeUndefined();
});

test('a field that stands there twice has none', () => {
  expect(singleField('origin: a\r\nb: c\r\nOrigin: a\r\n', 'origin')).toBeUndefined();
});
