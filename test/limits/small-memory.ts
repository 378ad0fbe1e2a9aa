import { createBucketMemory } from '../../src/shared/limits/bucket-memory.ts';

/** Room for 4,096 buckets. */
export const smallMemory = (): SharedArrayBuffer => createBucketMemory({ shards: 4, setsPerShard: 64 });
