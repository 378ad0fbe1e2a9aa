// node scripts/setup/page.mjs SOURCES FOLDER [RUNBOOK]: packs the operator's page into the files that the admin port serves.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { runbookPage } from './runbook-page.mjs';

const [sources = '', folder = '', runbook = ''] = process.argv.slice(2);

mkdirSync(folder, { recursive: true });
const packed = await rolldown({ input: join(sources, 'main.ts'), platform: 'browser' });
await packed.write({ file: join(folder, 'page.js'), format: 'esm', minify: true });
await packed.close();
const ofCharts = readFileSync(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'), 'utf8');
writeFileSync(join(folder, 'page.css'), `${ofCharts}\n${readFileSync(join(sources, 'style.css'), 'utf8')}`);
for (const name of ['index.html', 'icon.svg']) cpSync(join(sources, name), join(folder, name));
if (existsSync(runbook)) writeFileSync(join(folder, 'runbook.html'), runbookPage(readFileSync(runbook, 'utf8')));
