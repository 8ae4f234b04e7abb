// The icons, drawn on a 16 px grid with the text's own colour; they are never the only carrier of a meaning.
import type { ReactNode } from 'react';

const paths = {
  search: (
    <>
      <circle cx="7" cy="7" r="4.25" />
      <path d="m10.3 10.3 3.2 3.2" />
    </>
  ),
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  cross: <path d="m4 4 8 8m0-8-8 8" />,
  play: <path d="M5.5 3.8v8.4l6.5-4.2z" fill="currentColor" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M8 5v3.2l2 1.3" />
    </>
  ),
  stop: <rect x="4.5" y="4.5" width="7" height="7" rx="1" />,
  chevron: <path d="m6 3.8 4.2 4.2L6 12.2" />,
  more: <path d="M8 3.6v.1M8 8v.1M8 12.3v.1" strokeWidth="2.2" />,
  filter: <path d="M2.8 3.5h10.4L9.4 8.2v4.6l-2.8-1.4V8.2z" />,
  group: <path d="M2.8 3.5h10.4M5.5 6.5h7.7M2.8 9.5h10.4M5.5 12.5h7.7" />,
  without: <path d="M3.5 8h9" />,
  help: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.5.3-.8.6-.8 1.2M8 11.2h.1" />
    </>
  ),
  down: <path d="m4 6 4 4 4-4" />,
  up: <path d="m4 10 4-4 4 4" />,
  plus: <path d="M8 3.2v9.6M3.2 8h9.6" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="7.5" height="7.5" rx="1.4" />
      <path d="M3 10.2V4.4C3 3.6 3.6 3 4.4 3h5.8" />
    </>
  ),
  pencil: <path d="M3 13v-2.4l7.6-7.6 2.4 2.4L5.4 13zM9.2 4.4l2.4 2.4" />,
  trash: <path d="M3 4.5h10M6.2 4.5V3h3.6v1.5M4.4 4.5l.6 8.5h6l.6-8.5M6.9 7v3.6M9.1 7v3.6" />,
  restore: <path d="M3.2 8a4.8 4.8 0 1 0 1.6-3.6M4.6 2.2v2.6h2.6" />,
  refresh: <path d="M12.8 8a4.8 4.8 0 1 1-1.5-3.5M11.6 2.2v2.6H9" />,
  columns: <path d="M3 3.5h10v9H3zM6.4 3.5v9M9.7 3.5v9" />,
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1" />
    </>
  ),
  moon: <path d="M12.9 9.6A5.4 5.4 0 0 1 6.4 3.1a5.4 5.4 0 1 0 6.5 6.5z" />,
  auto: (
    <>
      <circle cx="8" cy="8" r="5.2" />
      <path d="M8 2.8a5.2 5.2 0 0 1 0 10.4z" fill="currentColor" />
    </>
  ),
  keyboard: (
    <>
      <rect x="1.8" y="4" width="12.4" height="8" rx="1.4" />
      <path d="M4.4 6.6h.1M7 6.6h.1M9.4 6.6h.1M11.6 6.6h.1M5 9.6h6" />
    </>
  ),
  table: <path d="M2.8 3.5h10.4v9H2.8zM2.8 6.5h10.4M2.8 9.5h10.4" />,
  split: <path d="M2.8 3.5h10.4v9H2.8zM8 3.5v9" />,
  chart: <path d="M2.8 3v10h10.6M5 10.4l2.6-3.2 2 1.8 3-4.2" />,
  expand: <path d="M9.6 2.8h3.6v3.6M6.4 13.2H2.8V9.6M13 3 9 7M3 13l4-4" />,
  tree: <path d="M4 2.8v8.4h3M4 6h3M8.8 4.6h4.4v2.8H8.8zM8.8 9.8h4.4v2.8H8.8z" />,
  offline: <path d="M2.6 6.2a8.4 8.4 0 0 1 10.8 0M4.8 8.8a5 5 0 0 1 6.4 0M8 12h.1M3 2.6l10 10.8" />,
  external: <path d="M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5" />,
  download: <path d="M8 2.8v7M5 7l3 3 3-3M3 13h10" />,
  folder: (
    <path d="M2.2 4.2c0-.5.3-.8.8-.8h3.2l1.5 1.7h5.5c.4 0 .8.3.8.8v6.1c0 .5-.4.8-.8.8H3c-.5 0-.8-.3-.8-.8z" />
  ),
  file: <path d="M4 2.2h5l3 3v8.6H4zM9 2.2v3h3" />,
  image: (
    <>
      <rect x="2.4" y="3" width="11.2" height="10" rx="1.2" />
      <path d="m2.6 11.4 3.2-3.2 2.4 2.4 2-2 3.2 3.2M10.2 6.1h.1" />
    </>
  ),
  person: <path d="M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8zM3 13.2c.5-2.3 2.5-3.4 5-3.4s4.5 1.1 5 3.4" />,
  people: (
    <path d="M6 7.6a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM1.8 12.6c.4-2 2.1-3 4.2-3s3.8 1 4.2 3M10.4 3.5a2.2 2.2 0 0 1 0 3.9M11.6 9.8c1.4.4 2.3 1.3 2.6 2.8" />
  ),
  key: <path d="M6.4 9.6a3.2 3.2 0 1 1 0-.1L13 3M11 5l1.8 1.8M9.2 6.8l1.4 1.4" />,
  lock: <path d="M4 7.2h8v6H4zM5.8 7.2V5.4a2.2 2.2 0 0 1 4.4 0v1.8" />,
  upload: <path d="M8 9.8v-7M5 5.8l3-3 3 3M3 13h10" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return (
    <svg
      className={`icon ${className}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {paths[name]}
    </svg>
  );
}

/** The mark of the project: four strokes and the fifth across them. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" className="mark-ground" />
      <path d="M9 8v16M13.7 8v16M18.3 8v16M23 8v16" className="mark-strokes" />
      <path d="M5.5 20.5 26.5 11.5" className="mark-across" />
    </svg>
  );
}
