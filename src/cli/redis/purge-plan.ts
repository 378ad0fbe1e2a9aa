/** Every key of the gateway starts with one of these; in a cluster the queue's keys share a hash tag. */
const OURS = ['api-gateway:', '{api-gateway}:'] as const;

export const RATE_LIMIT_PREFIX = 'api-gateway:rate-limit:';

/** What is meant when someone asks for all. */
export const ALL_PREFIXES: readonly string[] = OURS;

/** Whether all keys with this prefix are the gateway's own. */
export const isOurs = (prefix: string): boolean => OURS.some((ours) => prefix.startsWith(ours));

/** A prefix as a pattern of SCAN: every character that means something there means itself. */
export const scanPattern = (prefix: string): string => `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`;

/** What sort of thing a key of ours is: its first word, such as `rate-limit`. */
export function kindOf(key: string): string {
  const ours = OURS.find((each) => key.startsWith(each)) ?? '';
  const rest = key.slice(ours.length);
  const colon = rest.indexOf(':');
  return colon === -1 ? rest : rest.slice(0, colon);
}
