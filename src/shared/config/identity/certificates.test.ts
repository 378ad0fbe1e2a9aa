import { expect, test } from 'vitest';
import { configOf, problemsOf, read } from '../test-reading.ts';
import { formatProblems } from '../problems.ts';

const FINGERPRINT = 'AB:'.repeat(31) + '0C';
const HEX = `${'ab'.repeat(31)}0c`;
const FIELD = { CLIENT_CERT_HEADER: 'on', TRUSTED_PROXIES: '127.0.0.1' };

const file = (rest: string): string => `
routes: [{ path: /a, upstream: o, authenticate: [certificate] }]
upstreams: { o: { url: http://o } }
${rest}`;
const problems = (rest: string, env: Readonly<Record<string, string>> = FIELD): readonly string[] =>
  problemsOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': file(rest) });

test('certificates of consumers, and of authorities in their order', () => {
  const yaml = file(`
consumers:
  acme:
    certificates:
      - { subject_cn: 'Acme, Inc. – Gateway' }
      - { san_uri: "spiffe://Acme/gw" }
      - { san_dns: GW.acme.example }
      - { fingerprint: "${FINGERPRINT}", disabled: true }
  other: { profile: iot }
authorities:
  factory: { issuer_cn: Factory CA, profile: iot, groups: [devices] }
  rest: { consumer: fingerprint }
`);
  const { identities } = configOf({ GATEWAY_CONFIG: 'g.yaml', ...FIELD }, { 'g.yaml': yaml });
  expect(identities.readsClientCert).toBe(true);
  expect(identities.consumers.map(({ certificates }) => certificates)).toEqual([
    [
      { part: 'subject_cn', value: 'Acme, Inc. – Gateway', disabled: false },
      { part: 'san_uri', value: 'spiffe://Acme/gw', disabled: false },
      { part: 'san_dns', value: 'gw.acme.example', disabled: false },
      { part: 'fingerprint', value: HEX, disabled: true },
    ],
    [],
  ]);
  expect(identities.authorities).toEqual([
    { name: 'factory', issuerCn: 'Factory CA', part: 'subject_cn', profile: 'iot', groups: ['devices'] },
    { name: 'rest', issuerCn: undefined, part: 'fingerprint', profile: '', groups: [] },
  ]);
});

test('all that is wrong with them is told at once', () => {
  const yaml = `consumers:
  a:
    certificates:
      - { san_dns: a.test }
      - { }
      - { subject_cn: x, fingerprint: ${HEX} }
  b: { certificates: [{ san_dns: A.test }, { fingerprint: "${FINGERPRINT}" }, { fingerprint: ${HEX} }] }
issuers: { main: { issuer: https://idp/, jwks_url: https://idp/jwks } }
authorities:
  main: { profile: iott }`;
  expect(problems(yaml)).toEqual([
    'g.yaml:8: consumers.a.certificates[1]: missing, expected one of subject_cn, san_uri, san_dns, fingerprint',
    'g.yaml:9: consumers.a.certificates[2].fingerprint: subject_cn is set too, expected only one of subject_cn, ' +
      'san_uri, san_dns, fingerprint',
    'g.yaml:10: consumers.b.certificates[0].san_dns: got "A.test", expected another certificate; ' +
      'consumers.a.certificates[0] has this one',
    `g.yaml:10: consumers.b.certificates[2].fingerprint: got "${HEX}", expected another certificate; ` +
      'consumers.b.certificates[1] has this one',
    'g.yaml:13: authorities.main: got "main", expected a name of its own; one of the issuers has this one',
    'g.yaml:13: authorities.main.profile: got "iott", expected the name of a profile (iot, web, partner); did you mean "iot"?',
  ]);
  expect(
    problems('consumers: { a: { certificates: [{ fingerprint: abc, subject_cn: "" }] } }').map((line) =>
      line.replace(/^.*?: /, ''),
    ),
  ).toEqual([
    'consumers.a.certificates[0].fingerprint: got "abc", expected a SHA-256 in hex, as "openssl x509 -fingerprint -sha256" shows it',
    'consumers.a.certificates[0].subject_cn: got "", expected a text of 1 to 255 characters without control characters',
  ]);
});

test('a route takes them where they come from somewhere', () => {
  const line =
    'g.yaml:2: routes[0].authenticate[0]: got "certificate", expected TLS_CLIENT_AUTH=optional or ' +
    'CLIENT_CERT_HEADER=on in the environment with it';
  expect(problems('', {})).toEqual([line]);
  expect(problems('')).toEqual([]);
  // What is meant by a variable that is wrong is not guessed.
  expect(problems('', { CLIENT_CERT_HEADER: 'yes' })).toEqual(['CLIENT_CERT_HEADER: got "yes", expected on or off']);
});

test('a field that nobody is believed', () => {
  const { warnings } = read({ CLIENT_CERT_HEADER: 'on', UPSTREAM_URL: 'http://o' });
  expect(formatProblems(warnings)).toBe('CLIENT_CERT_HEADER: no proxy is trusted, expected TRUSTED_PROXIES with it');
});
