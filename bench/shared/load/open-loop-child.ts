/** One open-loop run in a process of its own. Argument: the plan as JSON. Goes when the parent goes. */
import { goWithParent } from '../go-with-parent.ts';
import { OpenLoop } from './open-loop.ts';
import type { LoadPlan } from './plan.ts';
import { tell } from './tell.ts';

goWithParent();
const loop = new OpenLoop(JSON.parse(process.argv[2] ?? '') as LoadPlan);
const result = await loop.run(() => tell({ type: 'started' }));
tell({ type: 'result', result }, () => process.exit(0));
