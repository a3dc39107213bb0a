import { fileURLToPath } from 'node:url';

// Processes that tests start load models; the library that runs them reports to its maker unless this is set.
process.env.ORT_DISABLE_TELEMETRY = '1';
// They load the same compiled files again and again, hundreds of times in a run: Node keeps what it made of them.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/honnin-compiled/', import.meta.url));

/** Tests run from the TypeScript sources; worker threads and spawned servers run from dist, so `./honnin test` builds
 * first. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'es6' },
      },
    ],
  },
  // A guard against what never ends, not a measure: on a machine with other work a test may take many times as long.
  testTimeout: 180_000,
  workerIdleMemoryLimit: '1GB',
};
