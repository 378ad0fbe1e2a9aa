import { createHash } from 'node:crypto';
import type { IpClients } from '../limits/ip-client.ts';
import { clientText } from './client-table.ts';
import type { ClientId } from './client-table.ts';

/**
 * The name of a client to the breakers. The hash is a cryptographic one: with a weak one somebody who owns many addresses
 * could look for one that passes for his neighbour's.
 * @param client its consumer's buckets, or its address as far as it can be believed; never what an unverified field says
 * @param clients of CUSTOMER_PREFIX_BITS
 */
export function clientIdOf(client: string, clients: IpClients): ClientId {
  const digest = createHash('sha256').update(clients.nameOf(client)).digest();
  const low = digest.readInt32BE(0) || 1;
  const high = digest.readInt32BE(4);
  return { low, high, text: clientText(low, high) };
}
