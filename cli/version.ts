import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** From dist/cli/ as from cli/: the package is one or two folders up. */
const found = ['../package.json', '../../package.json'].map((path) => fileURLToPath(new URL(path, import.meta.url))).map(read).find((text) => text !== undefined);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Version of the package, as package.json has it. */
export const version: string = (JSON.parse(found ?? '{"version":"0.0.0"}') as { version: string }).version;
