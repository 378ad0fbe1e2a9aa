import { expect, test } from 'vitest';
import { memoryFiles } from './test-reading.ts';
import { formatProblems } from './problems.ts';
import { readConfig } from './read-config.ts';

/** Made for this test (`openssl req -x509 -newkey ec …`, 100 years); they guard nothing. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBhjCCASugAwIBAgIUNXy3Eckmi7erwfyxbPmwtl4E9GUwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMZ2F0ZXdheS50ZXN0MCAXDTI2MTEyMzEyNDE1M1oYDzIxMjYx
MDMwMTI0MTUzWjAXMRUwEwYDVQQDDAxnYXRld2F5LnRlc3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAASfNkK1p60CexkKWqj9SKAuc2qCv4C2caFN62/fuTvIumDm
YOCITr6hJJ/JCAq5XwpFuiy3vxw2HJAPGCz2ibgHo1MwUTAdBgNVHQ4EFgQUp+yY
aicjzpN8xZoRkS2ZIiu3J5UwHwYDVR0jBBgwFoAUp+yYaicjzpN8xZoRkS2ZIiu3
J5UwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAxtJ+s8nlD8lb
qzJW5Y34BTsI/FftPDgqwbZ8mVwXHDcCIQDGsboSehET3V7fehF8NBvBfuWcAF1X
UmvZjCziup4uuQ==
-----END CERTIFICATE-----`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwm735Z/KR7C4WyAN
m3dR3WoS8W1Z5M2dQ+xlN61n1AChRANCAASfNkK1p60CexkKWqj9SKAuc2qCv4C2
caFN62/fuTvIumDmYOCITr6hJJ/JCAq5XwpFuiy3vxw2HJAPGCz2ibgH
-----END PRIVATE KEY-----`;
const OTHER_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgRy2gy8TcXGsMhaf7
kVTIZz8Pm9UFa+SXxVuuxNdR6P+hRANCAAQnGkTFe2EiP4VnMJOpH0QxIS44KcI+
eAemBuE7JQwlnqBIFAAABAwPUWB4KRSgghaqNPy3MNApcs2FEr9ah31n
-----END PRIVATE KEY-----`;

const files = memoryFiles({
  'c.pem': CERTIFICATE,
  'k.pem': KEY,
  'other.pem': OTHER_KEY,
  'g/g.yaml': 'upstreams: { a: { url: https://a, tls: { ca_file: ca.pem } } }\nroutes: [{ path: /a, upstream: a }]',
  'g/ca.pem': CERTIFICATE,
});

test('a certificate and its key are taken', () => {
  const result = readConfig({ TLS_CERT_FILE: 'c.pem', TLS_KEY_FILE: 'k.pem' }, files);
  expect(result).toMatchObject({
    config: { server: { tls: { certificates: [{ certFile: 'c.pem', keyFile: 'k.pem' }] } } },
  });
});

test('a ca_file is looked for beside the YAML that names it', () => {
  const result = readConfig({ GATEWAY_CONFIG: 'g/g.yaml' }, files);
  expect(result).toMatchObject({ config: { upstreams: [{ tls: { caFile: 'g/ca.pem' } }] } });
});

test.each([
  [undefined, 'k.pem', ['TLS_CERT_FILE: missing, expected a file, because TLS_KEY_FILE is set']],
  ['c.pem', undefined, ['TLS_KEY_FILE: missing, expected a file, because TLS_CERT_FILE is set']],
  [
    'c.pem',
    'other.pem',
    ['TLS_KEY_FILE: got "other.pem", expected the private key of the certificate in TLS_CERT_FILE'],
  ],
  [
    'k.pem',
    'none.pem',
    [
      'TLS_CERT_FILE: got "k.pem", expected a PEM file with a certificate',
      'TLS_KEY_FILE: got "none.pem", expected a readable file; there is no such file',
    ],
  ],
  ['c.pem', 'c.pem', ['TLS_KEY_FILE: got "c.pem", expected a PEM file with a private key without passphrase']],
])('TLS_CERT_FILE %s with TLS_KEY_FILE %s is refused', (TLS_CERT_FILE, TLS_KEY_FILE, lines) => {
  const result = readConfig({ TLS_CERT_FILE, TLS_KEY_FILE }, files);
  expect(result.ok ? [] : formatProblems(result.problems).split('\n')).toEqual(lines);
});
