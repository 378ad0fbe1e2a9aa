import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { Line } from './line.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('push' as const) },
  { weight: 3, arbitrary: fc.constant('shift' as const) },
  { weight: 1, arbitrary: fc.nat(100) }, // the one at this place goes before its turn
);

test.prop([fc.array(step, { maxLength: 600 })])('lets out in order those who came and have not gone', (steps) => {
  const line = new Line<{ readonly number: number }>();
  const model: { readonly number: number }[] = [];
  let number = 0;
  for (const each of steps) {
    if (each === 'push') {
      const one = { number: number++ };
      line.push(one);
      model.push(one);
    } else if (each === 'shift') {
      expect(line.first).toBe(model[0]);
      expect(line.shift()).toBe(model.shift());
    } else {
      const one = model[each] ?? { number: -1 };
      expect(line.remove(one)).toBe(model[each] !== undefined);
      if (model[each] !== undefined) model.splice(each, 1);
    }
    expect(line.size).toBe(model.length);
  }
});
