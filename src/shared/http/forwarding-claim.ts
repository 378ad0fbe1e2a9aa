/**
 * Fields in which a proxy says what it knows of the client, of the client's connection or of the request as it was: a
 * trusted one may, and whoever else sends one would be believed by an upstream that reads it. X-Forwarded-For, -Proto
 * and -Host, which the gateway writes itself, are kinds of their own in request-field.ts.
 */
export const CLAIM_NAMES: readonly string[] = [
  // The client's address.
  'ali-cdn-real-ip',
  'cdn-client-ip',
  'cdn-real-ip',
  'cdn-src-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'client-ip',
  'do-connecting-ip',
  'eo-client-ip',
  'eo-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded-for',
  'incap-client-ip',
  'proxy-client-ip',
  'real-ip',
  'remote-addr',
  'true-client-ip',
  'wl-proxy-client-ip',
  'x-appengine-remote-addr',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-cdn-src-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-nf-client-connection-ip',
  'x-original-forwarded-for',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-real-client-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-sucuri-clientip',
  'x-true-client-ip',
  'x-true-ip',
  'x-vercel-forwarded-for',
  'x-vercel-proxied-for',
  // Its connection: scheme, port, certificate (RFC 9440).
  'cf-visitor',
  'client-cert',
  'client-cert-chain',
  'fastly-ssl',
  'forwarded-proto',
  'front-end-https',
  'ssl-client-cert',
  'ssl-client-verify',
  'x-arr-clientcert',
  'x-arr-ssl',
  'x-client-cert',
  'x-client-verify',
  'x-proto',
  'x-real-port',
  'x-real-proto',
  'x-real-scheme',
  'x-scheme',
  'x-url-scheme',
  // Where it is, and through whom it comes.
  'cf-ipcountry',
  'x-azure-fdid',
  // The request as it was: frameworks that follow these let a client pass by the rules for its path or host.
  'x-host',
  'x-original-for',
  'x-original-host',
  'x-original-method',
  'x-original-path',
  'x-original-prefix',
  'x-original-proto',
  'x-original-remote-addr',
  'x-original-scheme',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-uri',
  'x-rewrite-url',
  'x-script-name',
];

/** Whole families of them. */
export const CLAIM_PREFIXES: readonly string[] = [
  'cloudfront-',
  'fly-forwarded-',
  'x-envoy-',
  'x-forwarded-',
  'x-ssl-client-',
  'x-vercel-ip-',
];

const NAMES: ReadonlySet<string> = new Set(CLAIM_NAMES);

/** @param lowerName a field name in lower case */
export function isForwardingClaim(lowerName: string): boolean {
  return NAMES.has(lowerName) || CLAIM_PREFIXES.some((prefix) => lowerName.startsWith(prefix));
}
