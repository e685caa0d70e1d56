// The few drawings of the page, as paths in a square of 20.
import { svg } from './dom.js';

const PATHS = {
  play: 'M6 4l10 6-10 6z',
  stop: 'M6 6h8v8H6z',
  pause: 'M7 5v10M13 5v10',
  follow: 'M10 4v11M5 11l5 5 5-5',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  download: 'M10 3v10M6 10l4 4 4-4M4 17h12',
  retry: 'M15 10a5 5 0 1 1-2-4M13 2v4h4',
  search: 'M9 4a5 5 0 1 1 0 10A5 5 0 0 1 9 4M13 13l4 4',
  chevron: 'M7 5l5 5-5 5',
  sun:
    'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 2v2M10 16v2M2 10h2M16 10h2' +
    'M4.3 4.3l1.5 1.5M14.2 14.2l1.5 1.5M4.3 15.7l1.5-1.5M14.2 5.8l1.5-1.5',
  moon: 'M15.500 12A6.500 6.500 0 0 1 8 4.500a6.500 6.500 0 1 0 7.500 7.500z',
  system: 'M3 4h14v9H3zM7 17h6M10 13v4',
  up: 'M5 12l5-5 5 5',
  down: 'M5 8l5 5 5-5',
  wrap: 'M4 5h12M4 10h10a2.500 2.500 0 0 1 0 5h-4M12 13l-2 2 2 2M4 15h3',
  close: 'M5 5l10 10M15 5L5 15',
  success: 'M4 10.500l4 4 8-9',
  partial: 'M10 4v7M10 14v1.500',
  failed: 'M5 5l10 10M15 5L5 15',
  cancelled: 'M5 10h10',
  skipped: 'M5 5l5 5-5 5M11 5l5 5-5 5',
  running: 'M10 4a6 6 0 1 1-6 6',
  queued: 'M10 5v5l3 2',
  pending: 'M10 9v2',
};

/** A drawing of a name; it says nothing to a screen reader, for words stand beside it. */
export function icon(name) {
  return svg('svg', { viewBox: '0 0 20 20', class: `icon icon-${name}`, 'aria-hidden': 'true' }, svg('path', { d: PATHS[name] ?? '' }));
}
