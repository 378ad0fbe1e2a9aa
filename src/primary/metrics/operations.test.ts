import { expect, test } from 'vitest';
import { json } from '../admin/contract/answer.ts';
import { onceServing } from './operations.ts';

test('metrics come when the port for clients is open, not before', async () => {
  let serving = false;
  const handle = onceServing(
    () => serving,
    () => Promise.resolve(json(200, {})),
  );
  expect(await handle()).toMatchObject({ status: 503 });
  serving = true;
  expect(await handle()).toMatchObject({ status: 200 });
});
