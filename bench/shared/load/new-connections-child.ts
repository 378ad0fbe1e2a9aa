/** runNewConnections in a process of its own. Argument: the plan as JSON. Goes when the parent goes. */
import { goWithParent } from '../go-with-parent.ts';
import { runNewConnections } from './new-connections.ts';
import type { LoadPlan } from './plan.ts';
import { tell } from './tell.ts';

goWithParent();
const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const result = await runNewConnections(plan, () => tell({ type: 'started' }));
tell({ type: 'result', result }, () => process.exit(0));
