// Fails when the dashboard is over its size budget: gzipped bytes of the first load, and of all parts together.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// The first load, which is what a person waits for, stays under what a slow line (1.6 Mbit/s) carries in about two
// thirds of a second. Pages and previews come when they are opened; all of them together, which nobody loads at once,
// take little more than a second.
const allBytes = 290_000;
const firstBytes = 130_000;

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(process.env.TALLY_WEB_OUT ?? join(here, '../../build/web'));
const html = readFileSync(join(root, 'index.html'), 'utf8');
const rows = ['index.html.gz', ...readdirSync(join(root, 'assets')).map((name) => `assets/${name}`)]
  .filter((name) => name.endsWith('.gz'))
  .map((name) => ({
    name: name.slice(0, -3),
    bytes: statSync(join(root, name)).size,
    first: name === 'index.html.gz' || html.includes(name.slice(0, -3)),
  }));
const sum = (list) => list.reduce((total, row) => total + row.bytes, 0);
const all = sum(rows);
const first = sum(rows.filter((row) => row.first));
for (const row of rows)
  console.log(`${String(row.bytes).padStart(8)} ${row.first ? 'first' : 'later'} ${row.name}`);
console.log(`${String(first).padStart(8)} first load, at most ${firstBytes}`);
console.log(`${String(all).padStart(8)} in all, at most ${allBytes}`);
if (first > firstBytes || all > allBytes) {
  console.error('The dashboard is over its size budget.');
  process.exit(1);
}
