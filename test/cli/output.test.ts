import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const main = path.resolve('dist/cli/main.js');

describe('the command line', () => {
  it('ends quietly when the reader of its output goes away, and not with an answer', async () => {
    const honnin = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'help'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    honnin.stdout.destroy();
    let said = '';
    honnin.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(honnin, 'close')) as [number];
    expect({ code, said }).toEqual({ code: 141, said: '' });
  });

  it.each([
    [['no-such-command'], 64, "there is no command 'no-such-command'"],
    [['audit', 'fsck', '--no-such-option'], 64, 'no-such-option'],
  ])('says what is wrong with %j', async (args, expected, words) => {
    const honnin = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    honnin.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(honnin, 'close')) as [number];
    expect(code).toBe(expected);
    expect(said).toContain(words);
  });
});
