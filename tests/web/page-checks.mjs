// What holds for every page: axe finds nothing, and nothing is wider than the window.
import { readFileSync } from 'node:fs';
import { modules } from './harness.mjs';

const axe = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');

// What a theme can break: it changes colours and nothing else of a page, so that the dark one is asked for these only.
const aboutColours = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };
const everything = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];

/** What axe finds on the page as it is, one text for each rule. */
export async function violationsOf(page, name) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(
    ({ aboutColours, everything }) =>
      window.axe.run(document, {
        runOnly: matchMedia('(prefers-color-scheme: dark)').matches ? aboutColours : everything,
      }),
    { aboutColours, everything },
  );
  return violations.map(
    (one) =>
      `${name}: ${one.id} (${one.help}): ${one.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n')[1] ?? ''}`)
        .join(' | ')}`,
  );
}

/** Elements that stick out on the right, apart from what scrolls by itself. */
export function tooWide(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const inner = (element) => element.closest('.scrolls, .visually-hidden, .skip, svg') !== null;
    const wide = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > width + 1 && !inner(element))
      .map((element) => `${element.tagName}.${element.className}`);
    if (document.documentElement.scrollWidth > width) wide.push('the page itself');
    return wide.slice(0, 5);
  });
}
