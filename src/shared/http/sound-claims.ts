import { trimBlanks } from './field.ts';
import { forwardedHost, forwardedScheme, hopAddress } from './forwarded.ts';

/** A path as it may stand before others: not `//host`, which a browser takes for another site. */
const PREFIX = /^\/(?:[!$&-;=@-Z_a-z~]|%[\dA-F]{2})*$/i;

const isAddress = (value: string): boolean => hopAddress(value) !== undefined;
const isScheme = (value: string): boolean => forwardedScheme(value) !== undefined;
const isHost = (value: string): boolean => forwardedHost(value) !== undefined;
const isSwitch = (value: string): boolean => /^(?:on|off)$/i.test(value);
const isPath = (value: string): boolean =>
  PREFIX.test(value) && !value.includes('//') && !/\/\.\.?(?:\/|$)/.test(value);
const isPort = (value: string): boolean => /^[1-9]\d{0,4}$/.test(value) && Number(value) <= 65_535;

/** What the value of a claim must be; others are passed on as they came. */
const SOUND = new Map<string, (value: string) => boolean>();
const expect = (isSound: (value: string) => boolean, names: string): void => {
  for (const name of names.split(' ')) SOUND.set(name, isSound);
};
expect(
  isAddress,
  'cf-connecting-ip cf-connecting-ipv6 client-ip do-connecting-ip fastly-client-ip fly-client-ip incap-client-ip ' +
    'proxy-client-ip real-ip remote-addr true-client-ip wl-proxy-client-ip x-azure-clientip x-azure-socketip ' +
    'x-client-ip x-cluster-client-ip x-nf-client-connection-ip x-real-client-ip x-remote-addr ' +
    'x-remote-ip x-true-client-ip x-true-ip',
);
expect(
  isScheme,
  'cloudfront-forwarded-proto fly-forwarded-proto forwarded-proto x-forwarded-protocol x-forwarded-scheme ' +
    'x-original-proto x-original-scheme x-real-proto x-real-scheme x-scheme x-url-scheme',
);
expect(isHost, 'x-forwarded-server x-host x-original-host');
expect(isSwitch, 'fastly-ssl fly-forwarded-ssl front-end-https x-forwarded-ssl');
expect(isPort, 'fly-forwarded-port x-forwarded-port x-real-port');
expect(isPath, 'x-forwarded-prefix x-original-prefix x-script-name');

/** Of a list (RFC 9110 5.6.1), to which each proxy may have added one. */
const membersOf = (value: string): readonly string[] => value.split(',').map(trimBlanks);

/**
 * Of a trusted proxy's claims, each a line with its CRLF, those whose values can be what they say. The proxy is believed,
 * but many pass on what a client made up.
 */
export function soundClaims(claims: string): string {
  let kept = '';
  for (let start = 0; start < claims.length;) {
    const end = claims.indexOf('\r\n', start) + 2;
    const colon = claims.indexOf(':', start);
    const isSound = SOUND.get(claims.slice(start, colon).toLowerCase());
    if (isSound === undefined || membersOf(claims.slice(colon + 2, end - 2)).every(isSound))
      kept += claims.slice(start, end);
    start = end;
  }
  return kept;
}
