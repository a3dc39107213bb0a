/** The rings of docs/architecture.md as rules. `from` may import only what is listed; everything else is an error. */
const ring = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^src/${from}` },
  to: { pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ring(
      'domain-imports-only-itself',
      'domain/',
      ['^src/domain/'],
      'Pure facts and rules: no npm, no node:, so that they run in a browser too.',
    ),
    ring(
      'application-knows-domain-and-ports',
      'application/',
      [
        '^src/(application|domain)/',
        '^node_modules/(@nestjs/(common|cqrs)|rxjs)/',
        '^(node:)?(crypto|timers/promises)$',
      ],
      'Use cases: domain, ports, the buses; of Node only hashing, which ids need, and waiting.',
    ),
    ring('projections-know-domain-only', 'projections/', ['^src/(projections|domain)/'], 'Events in, rows out.'),
    ring(
      'api-is-a-thin-edge',
      'api/',
      ['^src/(api|application|domain)/', '^node_modules/', '^(node:)?[a-z_/]+$'],
      'Parse, call one bus, return.',
    ),
    ring(
      'infrastructure-implements-ports',
      'infrastructure/',
      ['^src/(infrastructure|application|domain|projections)/', '^node_modules/', '^(node:)?[a-z_/0-9]+$'],
      'One folder per outside thing.',
    ),
    ring(
      'booth-shares-domain-only',
      'booth/',
      ['^src/(booth|domain)/', '^(node:)?[a-z_/]+$', '^node_modules/sharp/'],
      'The booth is another machine: it talks HTTP. Photographs are made plain before they are signed.',
    ),
    ring(
      'x509-is-a-library',
      'infrastructure/x509/',
      ['^src/infrastructure/x509/', '^src/domain/values/', '^(node:)?[a-z_/]+$'],
      'Certificates and their status, for whoever reads some: it knows no port, no setting and no authority.',
    ),
    {
      name: 'outside-things-do-not-know-one-another',
      severity: 'error',
      comment: 'One folder per outside thing; what two of them need is a library beside them.',
      from: { path: '^src/infrastructure/(card|clock|face|government|jpki|photo|timestamp|vault)/' },
      to: {
        path: '^src/infrastructure/[a-z0-9-]+/',
        pathNot: [
          '^src/infrastructure/($1|x509|http|threads|settings|data-folder)/',
          '^src/infrastructure/card/card-record-verifier',
        ],
      },
    },
    ring(
      'console-shares-what-a-browser-can-run',
      'console/',
      [
        '^src/(console|domain)/',
        '^node_modules/(preact|preact-iso|@preact/signals|openapi-fetch|@digital-go-jp|@fontsource-variable|vite)/',
        '^src/infrastructure/(x509|jpki/(certificate-check|judge-kept-verdict)|timestamp/judge-bundle-timestamp)',
        '^(node:)?[a-z_/]+$',
      ],
      'The page judges with the code of the server, and shares nothing else with it.',
    ),
    {
      name: 'sandbox-is-outside',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/(sandbox|cli)/' },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'pkijs-writes-for-the-sandbox-only',
      severity: 'error',
      comment: 'docs/decisions/0084: it reads what it should not.',
      from: { path: '^src', pathNot: '^src/sandbox/' },
      to: { path: '^node_modules/(pkijs|asn1js)/' },
    },
    {
      name: 'nobody-imports-the-command-line',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'nobody-imports-the-booth-but-tools',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/(booth|cli|sandbox)/' },
      to: { path: '^src/booth/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-barrels',
      severity: 'error',
      comment: 'Barrels crash with ESM and Nest.',
      from: {},
      to: { path: '^src/.*/index\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
    combinedDependencies: false,
  },
};
