/** Seconds that the suites of a folder of `test/` may take together on two cores that do nothing else. */
export const BUDGET_SECONDS: Readonly<Record<string, number>> = {
  api: 60,
  application: 10,
  architecture: 40,
  audit: 190,
  booth: 20,
  certificate: 60,
  cli: 5,
  crash: 30,
  domain: 10,
  door: 20,
  'event-store': 60,
  face: 190,
  history: 15,
  infrastructure: 5,
  journeys: 180,
  kafka: 170,
  lanes: 5,
  operation: 110,
  photo: 10,
  projections: 30,
  sandbox: 60,
  simulation: 30,
  vault: 10,
};

/** Seconds of wall time for all tests together: .ci/run may take 25 minutes; installs, linter and types take four. */
export const TOTAL_SECONDS = 1320;
