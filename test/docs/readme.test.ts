/** Every example of the README is run, and every file that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { endpointVariables } from '../../cli/system.js';
import { checkEvent } from '../../schemas/decode.js';
import { aftercare } from '../support/cli.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

const readme = readFileSync('README.md', 'utf8');
const commands = [...readme.matchAll(/^npx aftercare (.+?)(?:\s+#.*)?$/gm)].map(([, text]) => text);
const elsewhere = /^(import|workflow|schedule|rebuild)/;
const words = (text: string): string[] => [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);

describe('the README', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startTestSystem();
    // The customer and the item that its examples ask for.
    const lines = ['17850', '13047'].flatMap((customer) => ['85123A', '71053'].map((item) => JSON.stringify({ id: `${customer}-${item}`, customer, atMs: Date.UTC(2026, 0, 15), action: 'view', item })));
    await aftercare(['publish', 'click'], { env: endpointVariables(system.endpoints), input: lines.join('\n') });
  });

  it('has examples', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  // The import needs the data set, the others Temporal: test/system/import.test.ts, test/cli/up.test.ts and test/workflows run those.
  it.each(commands.filter((c) => !elsewhere.test(c)))('npx aftercare %s', async (command) => {
    const ran = await aftercare(words(command), { env: endpointVariables(system.endpoints) });
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(ran.stdout.length).toBeGreaterThan(0);
  });

  it.each(commands.filter((c) => elsewhere.test(c)))('npx aftercare %s: is a command', async (command) => {
    const ran = await aftercare([...words(command).slice(0, -1), '--help']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([...readme.matchAll(/^\s*(?:body\s+)?(\{"v":1,.*\})$/gm)].map(([, json]) => json))('is right about the event %s', (json) => {
    expect(checkEvent(JSON.parse(json))).toHaveProperty('event');
  });

  it('runs only npm scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm (?:run )?([a-z]+)/g)].map(([, name]) => name).filter((name) => !['ci', 'install'].includes(name));
    for (const name of named) expect(Object.keys(scripts), name).toContain(name);
  });

  it('links only to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, path]) => path);
    expect(links.length).toBeGreaterThan(3);
    for (const path of links) expect(existsSync(path), path).toBe(true);
  });
});
