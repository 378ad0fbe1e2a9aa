import type { Suite } from '../shared/suite.ts';
import { suite as baseline } from './baseline/suite.ts';
import { suite as breaker } from './breaker/suite.ts';
import { suite as connections } from './connections/suite.ts';
import { suite as cost } from './cost/suite.ts';
import { suite as faults } from './faults/suite.ts';
import { suite as identity } from './identity/suite.ts';
import { suite as latency } from './latency/suite.ts';
import { suite as limits } from './limits/suite.ts';
import { suite as neighbours } from './neighbours/suite.ts';
import { suite as quick } from './quick/suite.ts';
import { suite as scale } from './scale/suite.ts';
import { suite as soak } from './soak/suite.ts';
import { suite as targets } from './targets/suite.ts';
import { suite as websocket } from './websocket/suite.ts';

/** Every suite, in the order it is listed and `all` runs it. */
export const SUITES: readonly Suite[] = [
  quick,
  baseline,
  cost,
  limits,
  identity,
  websocket,
  breaker,
  faults,
  scale,
  connections,
  latency,
  neighbours,
  targets,
  soak,
];
