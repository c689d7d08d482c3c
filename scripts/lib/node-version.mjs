// Checked before anything else is loaded, so that an old Node gets a sentence instead of a stack trace.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const floor = manifest.engines.node.replace(/^>=/, '');
const numbers = (version) => version.split('.').map(Number);
const [major, minor = 0] = numbers(floor);
const [ownMajor, ownMinor] = numbers(process.versions.node);

if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
  console.error(`Raftlog needs Node ${floor} or newer; this is Node ${process.versions.node} (${process.execPath}).`);
  console.error(
    'Install a newer one from https://nodejs.org, or with your version manager, and run the command again.',
  );
  process.exit(1);
}
