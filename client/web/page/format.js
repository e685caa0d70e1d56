// Numbers, times and durations as people read them.
import { preference } from './preferences.js';

const integers = new Intl.NumberFormat('en-US');

export function number(value) {
  if (value === null || value === undefined) return '–';
  return Number.isInteger(value) ? integers.format(value) : String(Math.round(value * 1000) / 1000);
}

/** 0.063 -> "63 ms", 75 -> "1 min 15 s": two units at most. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return units(whole, 60, 'min', 1, 's');
  if (whole < 86400) return units(whole, 3600, 'h', 60, 'min');
  return units(whole, 86400, 'd', 3600, 'h');
}

function units(whole, large, largeName, small, smallName) {
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ''}`;
}

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < names.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${names[unit]}`;
}

export function percent(value) {
  return value === null || value === undefined ? '–' : `${Math.floor(value)} %`;
}

/** Whether instants are shown in UTC; otherwise in the zone of who looks. */
export function inUtc() {
  return preference('zone', 'local') === 'utc';
}

const pad = (value, width = 2) => String(value).padStart(width, '0');

function parts(instant) {
  const at = new Date(instant);
  return inUtc()
    ? [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), at.getUTCDay()]
    : [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds(), at.getDay()];
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** "2026-11-22 04:20:07" */
export function dateTime(instant) {
  if (!instant) return '–';
  const [year, month, day, hour, minute, second] = parts(instant);
  return `${year}-${pad(month + 1)}-${pad(day)} ${pad(hour)}:${pad(minute)}:${pad(second)}`;
}

/** "Tue 24 Nov 12:00": of a due time, whose seconds nobody asks for. */
export function dayTime(instant) {
  if (!instant) return '–';
  const [, month, day, hour, minute, , weekday] = parts(instant);
  const name = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][month];
  return `${DAYS[weekday]} ${day} ${name} ${pad(hour)}:${pad(minute)}`;
}

/** "04:20:07.123": of a line. */
export function clock(instant) {
  const [, , , hour, minute, second] = parts(instant);
  return `${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(new Date(instant).getMilliseconds(), 3)}`;
}

/** "3 min ago", "in 2 d 4 h". */
export function relative(instant, now = Date.now()) {
  if (!instant) return 'never';
  const seconds = (new Date(instant).getTime() - now) / 1000;
  if (Math.abs(seconds) < 2) return 'now';
  let whole = Math.round(Math.abs(seconds));
  if (whole >= 60 && whole < 3600) whole -= whole % 60; // nobody wants the seconds of half an hour
  const text = whole < 10 ? `${whole} s` : duration(whole);
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** "season=2024 week=9" */
export function parameters(values) {
  return Object.entries(values ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** "odds_only" -> "Odds only", "api_calls" -> "API calls" */
export function title(name) {
  const words = String(name ?? '')
    .replaceAll('_', ' ')
    .replace(/\b(?:api|csv|http|id|json|sql|url)\b/g, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}
