/** Truth of all breakers: a hash that a person can read (`HGETALL`) and reset (`DEL`). Part of the runbook. */
export const BREAKER_KEY = 'api-gateway:circuit-breaker';
/** Channel of every event of the gateway; messages are hints, never the truth. */
export const EVENTS_CHANNEL = 'api-gateway:events';
