// node test/simulation/simulate.mjs --seed N --stories M
import './from-dist.mjs';
const { main } = await import('./simulate.ts');
process.exitCode = await main(process.argv.slice(2));
