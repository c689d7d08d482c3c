import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChildProcessOpener } from './builder.ts';
import { childEnvironment } from './own-child.ts';

// Waits for a line before it opens, so that the time of the open itself can be hit, not that of starting Node.
const program = `
  import { createInterface } from 'node:readline';
  const [module, place] = process.argv.slice(1);
  const { open } = await import(module);
  process.stdout.write('ready\\n');
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  await lines.next();
  let engine;
  try {
    engine = await open(place, {});
    process.stdout.write('opened\\n');
  } catch (error) {
    process.stdout.write((error?.code ?? String(error)) + '\\n');
  }
  // Ends with its parent, whatever ended that.
  await lines.next();
  process.exit();
`;

/** Another process that opens the place and holds it until it is killed. */
export class EngineHolder {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  #stderr = '';

  private constructor(child: ChildProcessOpener) {
    const options = ['--input-type=module', '--eval', program, '--', child.module.href, child.place];
    this.#process = spawn(process.execPath, options, { stdio: 'pipe', env: childEnvironment() });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // A killed process closes its pipe in the middle of what it is told.
    this.#process.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#process.once('close', () => resolve());
    });
  }

  /** Resolves when the process has loaded the module and is about to be told to open. */
  static async start(child: ChildProcessOpener): Promise<EngineHolder> {
    const holder = new EngineHolder(child);
    const line = await holder.#nextLine();
    if (line !== 'ready') {
      await holder.kill();
      throw new Error(`The child process can't load ${child.module.href}: ${line ?? holder.#stderr}`);
    }
    return holder;
  }

  /** Opens the place. Resolves to `opened`, to the code of the error, or to `undefined` if the process was killed meanwhile. */
  open(): Promise<string | undefined> {
    this.#process.stdin.write('open\n');
    return this.#nextLine();
  }

  /** Kills the process with SIGKILL. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #nextLine(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }
}
