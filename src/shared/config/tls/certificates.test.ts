import { expect, test } from 'vitest';
import { memoryFiles } from '../test-reading.ts';
import { formatProblems } from '../problems.ts';
import { readConfig } from '../read-config.ts';

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
/** Valid in 2020 only. */
const EXPIRED = `-----BEGIN CERTIFICATE-----
MIIBDjCBtAIBATAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhvbGQudGVzdDAeFw0y
MDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBMxETAPBgNVBAMMCG9sZC50ZXN0
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEc37ZTr6NV+5mL7IVoESk9fqGvDRo
jBn+EjVL4ahIytnN5g5jW4f32hch2qzhQb5rR/LovbKfTiOcW5I0RIB6TTAKBggq
hkjOPQQDAgNJADBGAiEAsod0a9QJc/zQSaH2svi/L0//ypMyyRN1z0Cl8lEAVQgC
IQDHq4m4E6s/F5svIU3sE9+8iGDn7b/k6QSdQCErR+Qitw==
-----END CERTIFICATE-----`;
const EXPIRED_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3fbnofTfdfRQk7/N
npjvYggU+p/beRpDBTY+mUMMEKChRANCAARzftlOvo1X7mYvshWgRKT1+oa8NGiM
Gf4SNUvhqEjK2c3mDmNbh/faFyHarOFBvmtH8ui9sp9OI5xbkjREgHpN
-----END PRIVATE KEY-----`;
/** Of an authority that is not its own root. */
const MIDDLE = `-----BEGIN CERTIFICATE-----
MIIBdzCCAR6gAwIBAgIUbnvKFFaL6Us+J9hIudyBrxK/b28wCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFY2EgQ0EwIBcNMjYxMTI3MDUxNjQxWhgPMjEyNjExMDMwNTE2
NDFaMBExDzANBgNVBAMMBk1pZGRsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BJkdn4wajV9biSaVmbjs89Sn/yiUkMKeo+Nw+C6BlH0P3eAS4k5zZs1vSEojAwE1
UhXK5qBBDnuLo7kmgvEvI+OjUzBRMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYE
FMWr9nxL7meRWzRiX2yvmsZVLr56MB8GA1UdIwQYMBaAFA93p32QznwC0tN/ERxB
kyhGW2buMAoGCCqGSM49BAMCA0cAMEQCIHpNL+24h6Cl9etXPyE2nTQc9Ar4g1E8
Kr0ukW1Wl2ERAiBub1OBR0izr2NUK1HPIfL1LpCMuvvbFqCBYMF3C9YYsA==
-----END CERTIFICATE-----`;

const files = memoryFiles({
  'c.pem': CERTIFICATE,
  'k.pem': KEY,
  'other.pem': OTHER_KEY,
  'old.pem': EXPIRED,
  'old-key.pem': EXPIRED_KEY,
  'middle.pem': MIDDLE,
  'authorities.pem': `# who may issue\n${CERTIFICATE}\n${EXPIRED}\n`,
  'broken-chain.pem': `${CERTIFICATE}\n${CERTIFICATE.replace('MIIBhjCC', 'AAAAAAAA')}`,
  'tickets.txt': `# shared\n${Buffer.alloc(48).toString('base64')}\n`,
  'bad-tickets.txt': 'c2VjcmV0',
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

test('several, each with its key', () => {
  const env = { TLS_CERT_FILE: 'c.pem, old.pem', TLS_KEY_FILE: 'k.pem, old-key.pem' };
  const certificates = [
    { certFile: 'c.pem', keyFile: 'k.pem' },
    { certFile: 'old.pem', keyFile: 'old-key.pem' },
  ];
  const result = readConfig(env, files);
  expect(result).toMatchObject({ ok: true, config: { server: { tls: { certificates } } } });
  expect(formatProblems(result.warnings)).toBe(
    'TLS_CERT_FILE: got "old.pem", expected a certificate that is valid now; it expired on Jan  1 00:00:00 2021 GMT',
  );
});

test('what else TLS takes, and its defaults', () => {
  const files1 = { TLS_CERT_FILE: 'c.pem', TLS_KEY_FILE: 'k.pem' };
  const set = {
    TLS_MIN_VERSION: 'TLSv1.3',
    TLS_CIPHERS: 'HIGH:!aNULL',
    TLS_HANDSHAKE_TIMEOUT_SECONDS: '2.5',
    TLS_MAX_HANDSHAKES: '7',
    TLS_TICKET_KEYS_FILE: 'tickets.txt',
  };
  expect(readConfig({ FRONT: 'native', ...files1, ...set }, files)).toMatchObject({
    warnings: [],
    config: {
      server: {
        tls: {
          minVersion: 'TLSv1.3',
          // A list without those of TLS 1.3 does not switch it off.
          ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:HIGH:!aNULL',
          handshakeTimeoutMs: 2500,
          maxHandshakes: 7,
          ticketKeysFile: 'tickets.txt',
        },
      },
    },
  });
  const tls = { minVersion: 'TLSv1.2', handshakeTimeoutMs: 10_000, maxHandshakes: 256, ticketKeysFile: undefined };
  expect(readConfig(files1, files)).toMatchObject({ warnings: [], config: { server: { tls } } });
});

test.each<[Record<string, string>, string]>([
  [
    { TLS_CERT_FILE: 'c.pem,c.pem', TLS_KEY_FILE: 'k.pem' },
    'TLS_KEY_FILE: got "k.pem", expected a list of 2: a key for each certificate in TLS_CERT_FILE',
  ],
  [{ TLS_CERT_FILE: 'c.pem,', TLS_KEY_FILE: 'k.pem' }, 'TLS_CERT_FILE: got "", expected file names'],
  [
    { TLS_CERT_FILE: 'c.pem,old.pem', TLS_KEY_FILE: 'k.pem,k.pem' },
    'TLS_KEY_FILE: got "k.pem", expected the private key of the certificate in TLS_CERT_FILE',
  ],
  [
    { TLS_CERT_FILE: 'broken-chain.pem', TLS_KEY_FILE: 'k.pem' },
    'TLS_CERT_FILE: got "broken-chain.pem", expected a chain of certificates that OpenSSL is ready to show',
  ],
  [
    { TLS_MIN_VERSION: 'TLSv1.1' },
    'TLS_MIN_VERSION: got "TLSv1.1", expected one of TLSv1.2, TLSv1.3; did you mean "TLSv1.2"?',
  ],
  [{ TLS_CIPHERS: 'NO-SUCH' }, 'TLS_CIPHERS: got "NO-SUCH", expected ciphers as OpenSSL\'s list has them'],
  [{ TLS_CIPHERS: 'TLS_NO_SUCH' }, 'TLS_CIPHERS: got "TLS_NO_SUCH", expected ciphers as OpenSSL\'s list has them'],
  [
    { TLS_TICKET_KEYS_FILE: 'none' },
    'TLS_TICKET_KEYS_FILE: got "none", expected a readable file; there is no such file',
  ],
  [
    { TLS_TICKET_KEYS_FILE: 'bad-tickets.txt' },
    'TLS_TICKET_KEYS_FILE: got "bad-tickets.txt", expected lines of 48 bytes as base64 or hex; line 1 is something else',
  ],
  [
    { FRONT: 'uws', PROXY_PROTOCOL: 'on' },
    'PROXY_PROTOCOL: got "on", expected off, or FRONT=native: uws does not read it',
  ],
  [
    { FRONT: 'uws', TLS_MIN_VERSION: 'TLSv1.3' },
    'TLS_MIN_VERSION: got "TLSv1.3", expected TLSv1.2, or FRONT=native: uws cannot be told',
  ],
  [
    { FRONT: 'uws', TLS_CIPHERS: 'TLS_AES_128_GCM_SHA256' },
    'TLS_CIPHERS: got "TLS_AES_128_GCM_SHA256", expected some of TLS 1.2 too, or FRONT=native: uws speaks it always',
  ],
])('%j is refused', (env, line) => {
  const result = readConfig({ FRONT: 'native', ...env }, files);
  expect(result.ok ? '' : formatProblems(result.problems)).toBe(line);
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

test('clients are asked for certificates of some authorities; one whose time is over is told of', () => {
  const tls = { TLS_CERT_FILE: 'c.pem', TLS_KEY_FILE: 'k.pem' };
  const result = readConfig({ ...tls, TLS_CLIENT_AUTH: 'optional', TLS_CLIENT_CA_FILE: 'authorities.pem' }, files);
  expect(result).toMatchObject({ ok: true, config: { server: { tls: { clientCaFile: 'authorities.pem' } } } });
  expect(formatProblems(result.warnings)).toBe(
    'TLS_CLIENT_CA_FILE: got "authorities.pem", expected certificates that are valid now; certificate 2: it expired on ' +
      'Jan  1 00:00:00 2021 GMT',
  );
  const off = readConfig({ ...tls, TLS_CLIENT_CA_FILE: 'c.pem' }, files);
  expect(off).toMatchObject({ ok: true, config: { server: { tls: { clientCaFile: undefined } } } });
  expect(formatProblems(off.warnings)).toBe(
    'TLS_CLIENT_CA_FILE: clients are not asked for certificates, expected TLS_CLIENT_AUTH=optional with it',
  );
});

test.each<[Record<string, string>, string[]]>([
  [
    { TLS_CLIENT_AUTH: 'optional' },
    [
      'TLS_CLIENT_AUTH: got "optional", expected off, or TLS_CERT_FILE and TLS_KEY_FILE with it',
      'TLS_CLIENT_CA_FILE: missing, expected a file, because TLS_CLIENT_AUTH is optional',
    ],
  ],
  [
    { TLS_CLIENT_AUTH: 'required', TLS_CLIENT_CA_FILE: 'none.pem' },
    [
      'TLS_CLIENT_AUTH: got "required", expected one of off, optional',
      'TLS_CLIENT_CA_FILE: got "none.pem", expected a readable file; there is no such file',
    ],
  ],
  [
    { TLS_CLIENT_CA_FILE: 'broken-chain.pem' },
    ['TLS_CLIENT_CA_FILE: got "broken-chain.pem", expected a PEM file of certificates; certificate 2 cannot be read'],
  ],
  [
    { TLS_CLIENT_CA_FILE: 'k.pem' },
    ['TLS_CLIENT_CA_FILE: got "k.pem", expected a PEM file of certificates; something else, or nothing, is in it'],
  ],
  [
    { FRONT: 'uws', TLS_CLIENT_CA_FILE: 'middle.pem' },
    [
      'TLS_CLIENT_CA_FILE: got "middle.pem", expected a root certificate too, or FRONT=native: uws follows every chain to one',
    ],
  ],
])('clients cannot be asked with %j', (env, lines) => {
  const result = readConfig(env, files);
  expect(result.ok ? [] : formatProblems(result.problems).split('\n')).toEqual(lines);
});
