// Runs the tests of single sign-on: main.mjs [WORD...]; ends with "N passed, N failed".
import { bearerTests } from './bearer.mjs';
import { browserTests } from './browser.mjs';
import { complaints, killAll } from './daemon.mjs';
import { loginTests } from './login.mjs';
import { outageTests } from './outage.mjs';
import { proxyTests } from './proxy.mjs';

const words = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;

/** One test; its failure does not end the others. */
async function test(name, run) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) return;
  try {
    await run();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${String(error.message ?? error).split('\n')[0]}`);
    console.log(`  ${[String(error.stack ?? error), ...complaints()].join('\n').replaceAll('\n', '\n  ')}`);
  }
}

function skip(why) {
  skipped += 1;
  console.log(`skipped ${why}`);
}

try {
  for (const group of [loginTests, bearerTests, outageTests, proxyTests, browserTests])
    await group(test, skip);
} catch (error) {
  failed += 1;
  console.log(`FAILED ${error.stack}`);
} finally {
  killAll();
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
