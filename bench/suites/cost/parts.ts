/** The part of the suite `cost` that is no exchange: the same request by both load generators. */
export const COST_PARTS = ['generators'] as const;
