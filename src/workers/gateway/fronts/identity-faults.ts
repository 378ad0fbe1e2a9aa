/** Why a request that leaves open who its client is must be refused, for the client to read. */
export const REPEATED_IDENTITY = 'A field that names the client is repeated.';
export const DROPPED_IDENTITY = 'Connection lists a field that names the client.';
