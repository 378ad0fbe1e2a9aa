import { subjectContext } from '../../shared/gateway.ts';
import { settingsOf } from '../../shared/settings.ts';
import type { Suite } from '../../shared/suite.ts';
import { startUpstream } from '../../shared/upstream-process.ts';
import { measureIdle } from './idle.ts';
import { measureMessages, MESSAGE_CASES } from './messages.ts';
import { webSocketProxies } from './subjects.ts';

export const suite: Suite = {
  name: 'websocket',
  question: 'What does a WebSocket message cost in CPU, and an idle WebSocket in memory, beside HAProxy and nginx?',
  takes: '12 minutes',
  async run(context) {
    const { session, record, options } = context;
    const upstream = await startUpstream(session);
    const place = subjectContext(session, upstream);
    const wants = (part: string): boolean => options.cases?.includes(part) ?? true;
    const cases = MESSAGE_CASES.filter(({ name }) => wants(name));
    record.method({ load: 'own WebSocket client (raw frames on the handles of node:net)' });
    if (cases.length > 0) {
      const settings = settingsOf(options);
      await measureMessages({ session, record, settings, upstream }, webSocketProxies(place, record), cases);
    }
    if (wants('idle')) await measureIdle(context, place);
  },
};
