import { expect, test } from 'vitest';
import { createBucketMemory } from '../../shared/limits/bucket-memory.ts';
import { compileRule } from '../../shared/limits/rule.ts';
import { SharedBucketTable } from '../../shared/limits/shared-bucket-table.ts';
import { SharedMemoryStore } from '../../shared/limits/shared-memory-store.ts';
import { MemoryBuckets } from './memory-buckets.ts';

const ASKED = [{ rule: compileRule({ name: '', capacity: 10, refillPerSecond: 1 }), cost: 1 }];

test('a locked bucket is not taken for a full one', async () => {
  const memory = createBucketMemory({ shards: 1, setsPerShard: 2 });
  const store = new SharedMemoryStore(memory, { owner: 1, lockWaitMs: 1, clock: () => 5_000 });
  const buckets = new MemoryBuckets({ memory: store, share: () => 1 });
  expect(await buckets.levels('c', ASKED)).toMatchObject([{ exists: false, tokens: 10 }]);
  await buckets.setTokens('c', ASKED, 4);
  const other = new SharedBucketTable(memory, { owner: 2, lockWaitMs: 1 });
  other.open('c'); // and its thread ends there
  expect(await buckets.levels('c', ASKED)).toBeUndefined();
  expect(await buckets.setTokens('c', ASKED, 5)).toBeUndefined();
  other.close();
  expect(await buckets.levels('c', ASKED)).toMatchObject([{ exists: true, tokens: 4 }]);
});
