import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { EventStreamParser } from './server-sent-events.ts';

const STREAM = [
  ': hello\n\n',
  'id: 1\nevent: breaker\ndata: {"a":1}\n\n',
  'id: 2\r\ndata: one\r\ndata: two\r\n\r\n',
  ': still here\n\n',
  'data:no space\rdata\r\r',
  'event: thread\n\n', // without data: no event
  'data: last\n\n',
].join('');

const EVENTS = [
  { id: '1', event: 'breaker', data: '{"a":1}' },
  { id: '2', event: 'message', data: 'one\ntwo' },
  { id: '2', event: 'message', data: 'no space\n' },
  { id: '2', event: 'message', data: 'last' },
];

describe('a stream of events', () => {
  test('is read whole', () => {
    expect(new EventStreamParser().take(STREAM)).toEqual(EVENTS);
  });

  test.prop([fc.array(fc.nat(STREAM.length))])('is the same wherever it is cut', (cuts) => {
    const parser = new EventStreamParser();
    const places = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
    expect(places.flatMap((from, i) => parser.take(STREAM.slice(from, places[i + 1])))).toEqual(EVENTS);
  });

  test('an event that is not complete is not told', () => {
    const parser = new EventStreamParser();
    expect(parser.take('data: x\n')).toEqual([]);
    expect(parser.take('\n')).toHaveLength(1);
  });
});
