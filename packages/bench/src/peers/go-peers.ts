import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PEER_NAMES, type PeerName } from '../contenders/names.ts';

/** Where Debian puts the sources of Go packages. */
const goPath = '/usr/share/gocode';
const buildTimeoutMs = 10 * 60_000;

const run = promisify(execFile);

/** A peer that can be measured, or why it can't. */
export type PeerProgram = { readonly binary: string } | { readonly missing: string };

/** What a peer is built from. */
interface PeerSource {
  /** Below `go/`. */
  readonly source: string;
  /** Below the sources of Debian's packages. */
  readonly imports: string;
  /** Debian's package. */
  readonly debian: string;
}

const SOURCES: Readonly<Record<PeerName, PeerSource>> = {
  'etcd-wal': { source: 'etcd_wal.go', imports: 'go.etcd.io/etcd/wal', debian: 'golang-etcd-server-dev' },
  'raft-boltdb': {
    source: 'raft_boltdb.go',
    imports: 'github.com/hashicorp/raft-boltdb',
    debian: 'golang-github-hashicorp-raft-boltdb-dev',
  },
};

/** `go version`, or `undefined` where there is no Go. */
export async function goVersion(): Promise<string | undefined> {
  try {
    return (await run('go', ['version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** Builds the programs of all peers that this machine has the sources of. */
export async function buildPeers(onProgress: (text: string) => void): Promise<ReadonlyMap<PeerName, PeerProgram>> {
  const version = await goVersion();
  const programs = new Map<PeerName, PeerProgram>();
  for (const name of PEER_NAMES) {
    onProgress(`building ${name}`);
    programs.set(name, await buildPeer(name, version));
  }
  return programs;
}

async function buildPeer(name: PeerName, version: string | undefined): Promise<PeerProgram> {
  const { source, imports, debian } = SOURCES[name];
  const absent = [
    ...(version === undefined ? ['golang-go'] : []),
    ...(existsSync(join(goPath, 'src', imports)) ? [] : [debian]),
  ];
  if (absent.length > 0) {
    return {
      missing: `${name} is left out: it needs ${absent.join(' and ')}, which Debian and Ubuntu have as packages.`,
    };
  }
  const files = ['driver.go', source].map((file) => fileURLToPath(new URL(`../../go/${file}`, import.meta.url)));
  const hash = createHash('sha256').update(version ?? '');
  for (const file of files) hash.update(readFileSync(file));
  const cache = ownDirectory();
  const binary = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return { binary };
  // Under another name first: a build that was cut short must not be found by the next run.
  const unfinished = `${binary}.${process.pid}`;
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: goPath, GOCACHE: join(cache, 'build'), GOFLAGS: '' };
  try {
    await run('go', ['build', '-o', unfinished, ...files], { env, timeout: buildTimeoutMs });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    return { missing: `${name} is left out: it doesn't compile here. ${said}` };
  }
  renameSync(unfinished, binary);
  return { binary };
}

/** Kept from run to run, because a build takes a while. What lies there is run: it has to be ours. */
function ownDirectory(): string {
  const { uid } = userInfo();
  const directory = join(tmpdir(), `raftlog-bench-go-${uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (statSync(directory).uid !== uid) throw new Error(`${directory} belongs to somebody else.`);
  return directory;
}
