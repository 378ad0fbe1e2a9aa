import { gauge } from '../metrics/definition.ts';
import type { MetricDefinition } from '../metrics/definition.ts';
import type { MaintenanceBook } from './maintenance-book.ts';

/** What is under maintenance. */
export const maintenanceMetrics = (book: Pick<MaintenanceBook, 'held'>): MetricDefinition[] => [
  gauge(
    'gateway_maintenance_remaining_seconds',
    'How much longer a route is under maintenance, * = all routes; absent where none is.',
    () => book.held().map(({ route, remainingMs }) => ({ labels: { route }, value: remainingMs / 1000 })),
  ),
];
