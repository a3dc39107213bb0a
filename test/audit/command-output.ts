import { command as audit } from '../../src/cli/audit.js';

/** Runs `honnin audit …` in this process with its output caught. */
export async function commandOutput(args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const write = process.stdout.write.bind(process.stdout);
  let text = '';
  process.stdout.write = ((chunk: string | Uint8Array) => (
    (text += chunk.toString()),
    true
  )) as typeof process.stdout.write;
  try {
    return { code: await audit.run(args), text };
  } finally {
    process.stdout.write = write;
  }
}
