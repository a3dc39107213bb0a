/** Seconds that the suites of a folder of `test/` may take together on two cores that do nothing else. */
export const BUDGET_SECONDS: Readonly<Record<string, number>> = {
  api: 150,
  application: 10,
  architecture: 20,
  audit: 380,
  booth: 55,
  certificate: 100,
  cli: 45,
  console: 45,
  crash: 35,
  domain: 10,
  door: 40,
  'event-store': 70,
  face: 330,
  history: 10,
  infrastructure: 5,
  journeys: 650,
  kafka: 150,
  lanes: 15,
  operation: 140,
  photo: 10,
  projections: 20,
  sandbox: 50,
  simulation: 45,
  vault: 5,
};

/** Suites that .ci/run lets run at once. */
export const AT_ONCE = 2;

/** Seconds of wall time for all tests together: .ci/run may take 25 minutes, of which installs, linter and types take
 *  four; the last one is for tests that are yet to come. */
export const TOTAL_SECONDS = 1200;
