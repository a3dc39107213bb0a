import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { replaceDurably } from './durable-file.js';

/** Counts a booth's captures; never goes back. */
export interface CaptureCounter {
  next(): number;
}

const COUNTER_EPOCH_MS = Date.UTC(2020, 0, 1);

/** A counter in a file. A number is on disk before it is used, so a crash skips numbers and never repeats one. Without
 * a file it starts at the seconds since 2020: a booth whose disk was replaced stays above what it counted before, and
 * the number fits into 31 bits until 2088. */
export class DurableCaptureCounter implements CaptureCounter {
  readonly #file: string;
  #last: number;

  /** @throws {RangeError} when the file does not hold a counter: guessing could go back. */
  constructor(folder: string, now: () => Date = () => new Date()) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = path.join(folder, 'capture-counter');
    this.#last = existsSync(this.#file)
      ? parse(readFileSync(this.#file, 'utf8'))
      : Math.floor((now().getTime() - COUNTER_EPOCH_MS) / 1000);
  }

  next(): number {
    const number = this.#last + 1;
    replaceDurably(this.#file, Buffer.from(`${number}\n`));
    this.#last = number;
    return number;
  }
}

function parse(text: string): number {
  const number = Number(text);
  if (!/^\d{1,15}\n$/.test(text) || !Number.isSafeInteger(number))
    throw new RangeError('the capture counter file is damaged');
  return number;
}
