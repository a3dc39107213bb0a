import { computed, signal } from '@preact/signals';
import { WORDS, type Language, type Words } from './words.js';

const KEPT = 'honnin-language';

/** What people read. Japanese unless somebody chose otherwise in this browser. */
export const language = signal<Language>(localStorage.getItem(KEPT) === 'en' ? 'en' : 'ja');
export const words = computed<Words>(() => WORDS[language.value]);

export function choose(chosen: Language): void {
  localStorage.setItem(KEPT, chosen);
  document.documentElement.lang = chosen;
  language.value = chosen;
}

document.documentElement.lang = language.value;

const JAPAN: Intl.DateTimeFormatOptions = { timeZone: 'Asia/Tokyo', dateStyle: 'medium', timeStyle: 'short' };

/** Japan time, as the chosen language writes it. */
export function japanTime(instant: string): string {
  return new Intl.DateTimeFormat(language.value, JAPAN).format(new Date(instant));
}

/** The same instant in UTC, to stand beside. */
export function utcTime(instant: string): string {
  return `${instant.slice(0, 19).replace('T', ' ')} UTC`;
}

/** From one instant to another in words: "2 hours". */
export function span(fromUtc: string, toMs: number): string {
  const minutes = Math.round((toMs - Date.parse(fromUtc)) / 60_000);
  const [count, unit]: [number, Intl.RelativeTimeFormatUnit] =
    Math.abs(minutes) < 60
      ? [minutes, 'minute']
      : Math.abs(minutes) < 2_880
        ? [Math.round(minutes / 60), 'hour']
        : [Math.round(minutes / 1_440), 'day'];
  return new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }).format(-count, unit);
}
