import { parseNetwork } from '../addresses.ts';
import { optional } from '../env-variable.ts';
import { fromText, listOf as listText, textLike } from '../parsed.ts';
import { listOf, section } from '../yaml-fields.ts';

const networks = fromText(listText(parseNetwork));

/** Variables of the lists that hold for all routes. */
export const IP_ENV = {
  IP_ALLOW: optional(
    networks,
    'Addresses and CIDR blocks, comma-separated, of the only clients that any route takes; others get 403. Default all.',
  ),
  IP_DENY: optional(networks, 'The same of clients that no route takes, whatever IP_ALLOW says. Default none.'),
} as const;

const NETWORKS_PHRASE = 'a list of one or more addresses and CIDR blocks';
const list = listOf(textLike(parseNetwork, 'an address or CIDR block'), NETWORKS_PHRASE);

export const ipSchema = section({
  allow: list.optional().describe('Addresses and CIDR blocks of the only clients that the route takes; default all.'),
  deny: list.optional().describe('The same of clients that it does not take, whatever allow says; default none.'),
});
