import { withoutEndDot } from '../../../shared/config/addresses.ts';
import type { TargetConfig } from '../../../shared/config/types.ts';

/** `host: name\r\n`, as every request to this target carries it. */
export function hostLineOf({ host: given, port, secure }: TargetConfig): string {
  const host = withoutEndDot(given);
  const name = host.includes(':') ? `[${host}]` : host; // an IPv6 address (RFC 3986, section 3.2.2)
  return `host: ${name}${port === (secure ? 443 : 80) ? '' : `:${port}`}\r\n`;
}
