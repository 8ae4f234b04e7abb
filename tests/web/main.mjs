// Runs all browser tests one after another and counts them; the last lines are what failed, and "N passed, N failed".
import { close, runAll } from './harness.mjs';
import './cases/frame.mjs';
import './cases/experiments.mjs';
import './cases/runs.mjs';
import './cases/search.mjs';
import './cases/charts.mjs';
import './cases/run-page.mjs';
import './cases/artifacts.mjs';
import './cases/compare.mjs';
import './cases/registry.mjs';
import './cases/registry-access.mjs';
import './cases/access.mjs';
import './cases/login.mjs';
import './cases/accounts.mjs';
import './cases/sharing.mjs';
import './cases/login-access.mjs';

const { passed, failures } = await runAll(process.argv.slice(3));
await close();
for (const line of failures) console.log(line);
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length === 0 && passed > 0 ? 0 : 1);
