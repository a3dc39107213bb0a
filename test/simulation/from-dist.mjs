// Lets the simulation run as it is written: its own files from TypeScript, the program from what was built.
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('.') || !specifier.endsWith('.js') || !context.parentURL?.includes('/test/'))
      return next(specifier, context);
    const url = new URL(specifier, context.parentURL).href;
    if (url.includes('/src/')) return next(url.replace('/src/', '/dist/'), context);
    const source = url.replace(/\.js$/, '.ts');
    return next(existsSync(fileURLToPath(source)) ? source : specifier, context);
  },
});
