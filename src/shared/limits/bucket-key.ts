import type { KeyOf } from './take-script.ts';

const PREFIX = 'api-gateway:rate-limit:';

/** `api-gateway:rate-limit:<client>`, with `:<rule>` for named rules: what operators read and delete. */
export const plainBucketKey: KeyOf = (client, keySuffix) => PREFIX + client + keySuffix;

/**
 * The same with the client as Redis Cluster's hash tag, `api-gateway:rate-limit:{<client>}:<rule>`: all buckets of a
 * client lie in one slot, which the all-or-nothing script over several rules needs.
 */
export const clusterBucketKey: KeyOf = (client, keySuffix) => `${PREFIX}{${client}}${keySuffix}`;
