/** What the gateway adds to Via (RFC 9110, section 7.6.3), for requests of either version. */
export const VIA = '1.1 api-gateway';
export const VIA_OF_1_0 = '1.0 api-gateway';

const NAME = ' api-gateway';
/** Gateways may stand behind each other, and all have this name; nobody puts so many in a row. */
const MOST_PASSES = 8;

/** Whether a request has passed gateways so often that an upstream must be one of them. @param via the field's value */
export function hasLooped(via: string): boolean {
  let passes = 0;
  for (let at = via.indexOf(NAME); at >= 0; at = via.indexOf(NAME, at + NAME.length)) {
    if (++passes >= MOST_PASSES) return true;
  }
  return false;
}
