/** Seconds that the suites of a folder of `test/` may take together on two cores that do nothing else. */
export const BUDGET_SECONDS: Readonly<Record<string, number>> = {
  api: 60,
  application: 10,
  architecture: 20,
  audit: 210,
  booth: 55,
  certificate: 55,
  cli: 10,
  console: 45,
  crash: 30,
  domain: 10,
  door: 50,
  'event-store': 35,
  face: 170,
  history: 10,
  infrastructure: 5,
  journeys: 235,
  kafka: 90,
  lanes: 15,
  operation: 75,
  photo: 10,
  projections: 20,
  sandbox: 30,
  simulation: 65,
  vault: 5,
};

/** Seconds of wall time for all tests together: .ci/run may take 25 minutes; installs, linter and types take four. */
export const TOTAL_SECONDS = 1320;
