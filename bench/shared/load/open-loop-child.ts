/** One open-loop run in a process of its own. Argument: the plan as JSON. Goes when the parent goes. */
import { constants, setPriority } from 'node:os';
import { goWithParent } from '../go-with-parent.ts';
import { OpenLoop } from './open-loop.ts';
import type { LoadPlan } from './plan.ts';
import { tell } from './tell.ts';

goWithParent();
try {
  // It has little to do and must do it in time, also where an upstream has the same core.
  setPriority(constants.priority.PRIORITY_HIGH);
} catch {
  // not allowed: then it says how late it was
}
const loop = new OpenLoop(JSON.parse(process.argv[2] ?? '') as LoadPlan);
const result = await loop.run(() => tell({ type: 'started' }));
tell({ type: 'result', result }, () => process.exit(0));
