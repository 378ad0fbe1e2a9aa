import { KEY_PREFIXES } from '../../shared/redis/keys.ts';

/** Whether all keys with this prefix are the gateway's own. */
export const isOurs = (prefix: string): boolean => KEY_PREFIXES.some((ours) => prefix.startsWith(ours));

/** A prefix as a pattern of SCAN: every character that means something there means itself. */
export const scanPattern = (prefix: string): string => `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;

/** What sort of thing a key of ours is: its first word, such as `rate-limit`. */
export function kindOf(key: string): string {
  const ours = KEY_PREFIXES.find((each) => key.startsWith(each)) ?? '';
  const rest = key.slice(ours.length);
  const colon = rest.indexOf(':');
  return colon === -1 ? rest : rest.slice(0, colon);
}
