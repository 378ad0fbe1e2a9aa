import { LARGE_BODY, SMALL_BODY, sinkAnswer } from '../shared/bodies.ts';

/** What is measured: the same exchange for every subject, and how much more than HAProxy the gateway may cost. */
export interface CostCase {
  readonly name: CaseName;
  readonly title: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly requestBody: string | undefined;
  readonly responseBody: string;
  /** Highest accepted ratio to HAProxy in CPU per request. */
  readonly target: number;
}

export const CASE_NAMES = ['get', 'post', 'large'] as const;
export type CaseName = (typeof CASE_NAMES)[number];

const UPLOAD = 'u'.repeat(1024);

export const COST_CASES: readonly CostCase[] = [
  {
    name: 'get',
    title: 'GET, 130-byte JSON',
    method: 'GET',
    path: '/ok',
    requestBody: undefined,
    responseBody: SMALL_BODY,
    target: 1.15,
  },
  {
    name: 'post',
    title: 'POST, 1 KB up, small answer',
    method: 'POST',
    path: '/sink',
    requestBody: UPLOAD,
    responseBody: sinkAnswer(UPLOAD.length),
    target: 1.3,
  },
  {
    name: 'large',
    title: 'GET, 64 KB answer',
    method: 'GET',
    path: '/bytes64k',
    requestBody: undefined,
    responseBody: LARGE_BODY,
    target: 1.3,
  },
];
