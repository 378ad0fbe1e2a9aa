/** One run of messages echoed over WebSockets, in a process of its own. Argument: the plan as JSON. Goes when the parent goes. */
import { goWithParent } from '../go-with-parent.ts';
import type { LoadPlan } from './plan.ts';
import { tell } from './tell.ts';
import { runWebSocketEcho } from './websocket-echo.ts';

goWithParent();
const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const result = await runWebSocketEcho(plan, () => tell({ type: 'started' }));
tell({ type: 'result', result }, () => process.exit(0));
