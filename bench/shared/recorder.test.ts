import { expect, it } from 'vitest';
import { chooseCores, describeMachine } from './machine.ts';
import { createRecorder } from './recorder.ts';
import { resultSchema } from './result.ts';
import { NO_OPTIONS } from './suite.ts';
import type { SuiteOptions } from './suite.ts';

const options: SuiteOptions = { ...NO_OPTIONS, connections: 8, front: ['native', 'uws'], miniature: true };

function open(said: string[] = []): ReturnType<typeof createRecorder> {
  const machine = { ...describeMachine(), loadBefore: 3.2 };
  const session = { machine, cores: chooseCores(machine), tool: 'autocannon' } as const;
  const suite = { name: 'one', question: 'Why?' };
  return createRecorder({ suite, options, session, say: (line) => void said.push(line) });
}

it('makes a result of what was recorded, in order, with the facts around it', () => {
  const said: string[] = [];
  const record = open(said);
  record.tool('HAProxy', '2.6');
  record.method({ rounds: 5, loadCeilingPerSecond: 1000 });
  record.measure({ case: 'GET', subject: 'g', metric: 'p99', unit: 'ms', better: 'lower', samples: [1] });
  record.check({ case: 'GET', what: 'w', ok: true, detail: 'd' });
  record.note('n');
  record.progress('half way');
  const result = record.finish();
  expect(resultSchema.parse(result)).toEqual(result);
  expect(result).toMatchObject({
    suite: 'one',
    options: { connections: 8, front: 'native,uws', miniature: true },
    tools: { HAProxy: '2.6', autocannon: expect.stringMatching(/^\d+\.\d+/) as string },
    method: { load: 'autocannon', rounds: 5, secondsPerRun: 0, loadCeilingPerSecond: 1000 },
    measures: [{ metric: 'p99' }],
    checks: [{ ok: true }],
  });
  expect(result.options).not.toHaveProperty('rounds');
  expect(result.commit).toMatch(/^[0-9a-f]{40}$|^unknown$/);
  expect(result.notes).toEqual([
    expect.stringContaining('miniature'),
    'The machine was not quiet: load average 3.2 before the run.',
    'n',
  ]);
  expect(said).toEqual([expect.stringMatching(/^\[one \d+ s\] half way$/)]);
});

it('does not let a suite out that breaks the schema', () => {
  const record = open();
  record.measure({ case: 'GET', subject: 'g', metric: 'P 99', unit: 'ms', better: 'lower', samples: [1] });
  expect(() => record.finish()).toThrow('metric');
});
