import { expect, test } from 'vitest';
import { Origins, originText, parseOriginPattern } from './origin.ts';
import type { OriginPattern } from './origin.ts';

test.each([
  ['https://app.example.com', 'https://app.example.com'],
  ['HTTPS://App.Example.COM:443', 'https://app.example.com'],
  ['http://localhost:3000', 'http://localhost:3000'],
  ['http://localhost:80', 'http://localhost'],
  ['https://*.example.com', 'https://*.example.com'],
  ['https://*.Example.com:8443', 'https://*.example.com:8443'],
  ['https://[2001:DB8::1]:8443', 'https://[2001:db8::1]:8443'],
  ['https://bücher.example', 'https://xn--bcher-kva.example'],
  ['capacitor://localhost', 'capacitor://localhost'],
])('%s is said as %s', (text, said) => {
  const pattern = parseOriginPattern(text);
  expect(pattern === undefined ? undefined : originText(pattern)).toBe(said);
});

test.each([
  '',
  '*',
  'null',
  'app.example.com',
  'https://',
  'https://app.example.com/',
  'https://app.example.com/path',
  'https://app.example.com?a',
  'https://user@app.example.com',
  'https://*',
  'https://*.',
  'https://*example.com',
  'https://a.*.example.com',
  'https://*.*.example.com',
  'https://*.10.0.0.1',
  'https://app.example.com:*',
  'https://app.example.com:99999',
  'https://a b',
  'javascript:alert(1)',
  'file:///etc',
])('%s is no origin', (text) => {
  expect(parseOriginPattern(text)).toBeUndefined();
});

const origins = new Origins(
  ['https://app.example.com', 'https://*.example.org', 'http://*.dev.local:8080'].map(
    (text) => parseOriginPattern(text) as OriginPattern,
  ),
);

test.each([
  'https://app.example.com',
  'https://a.example.org',
  'https://a.b-c.example.org',
  'https://xn--bcher-kva.example.org',
  'http://x.dev.local:8080',
])('%s is one of them', (origin) => {
  expect(origins.has(origin)).toBe(true);
});

test.each([
  '',
  'null',
  '*',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://APP.example.com',
  'https://app.example.com.evil.example',
  'https://evil.example/app.example.com',
  'https://example.org',
  'https://.example.org',
  'https://evilexample.org',
  'https://a..example.org',
  'https://evil.example#.example.org',
  'https://evil.example/.example.org',
  'https://evil.example:443.example.org',
  'https://user@evil.example.org@.example.org',
  'https://evil.example\\.example.org',
  'https://a.example.org:8443',
  'https://a.example.org.evil.example',
  'http://x.dev.local',
])('%s is none of them', (origin) => {
  expect(origins.has(origin)).toBe(false);
});
