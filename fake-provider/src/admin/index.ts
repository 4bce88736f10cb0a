import { clockRoutes } from './clock.ts';
import { faultRoutes } from './faults.ts';
import { health } from './health.ts';
import { metrics } from './metrics.ts';
import { pageRoutes } from './page/page.ts';
import { requestRoutes } from './requests.ts';
import type { AdminRoute } from './route.ts';
import { runRoutes } from './run.ts';
import { scenarioRoutes } from './scenarios.ts';
import { settingsRoutes } from './settings.ts';
import { state } from './state.ts';

/** Everything that can be asked under `/__admin`. */
export const adminRoutes: readonly AdminRoute[] = [
  ...pageRoutes,
  state,
  health,
  ...requestRoutes,
  ...clockRoutes,
  ...settingsRoutes,
  ...scenarioRoutes,
  ...faultRoutes,
  ...runRoutes,
  metrics,
];
