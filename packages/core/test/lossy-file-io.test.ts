import { describe, expect, test } from 'vitest';
import { LossyFileIo } from '../src/conformance/lossy-file-io/lossy-file-io.ts';
import { POWER_CUT_MODES } from '../src/conformance/lossy-file-io/power-cut.ts';
import { disk, text, textOf, withFile } from './support/lossy-disk.ts';

describe('as a file system', () => {
  test('reads what was written, up to the end of the file and not beyond', async () => {
    const handle = await disk().open('/d/a', 'create');
    await handle.write([text('abc'), text('def')], 0);
    const into = new Uint8Array(10);
    expect(await handle.read(into, 2)).toBe(4);
    expect(Buffer.from(into.subarray(0, 4)).toString()).toBe('cdef');
    expect(await handle.read(into, 6)).toBe(0);
    expect(await handle.read(into, 600)).toBe(0);
  });

  test('fills with zeros what was skipped, cut off or grown', async () => {
    const { io, handle } = await withFile('abcdef');
    await handle.truncate(2);
    await handle.write([text('x')], 5);
    await handle.truncate(7);
    expect(textOf(io, '/d/a')).toBe('ab\0\0\0x\0');
    expect(await handle.size()).toBe(7);
  });

  test('copies what is written before the call returns', async () => {
    const { io, handle } = await withFile('');
    const bytes = text('abc');
    const written = handle.write([bytes], 0);
    bytes.fill(0);
    await written;
    expect(textOf(io, '/d/a')).toBe('abc');
  });

  test('keeps to the modes of open', async () => {
    const { io } = await withFile('abc');
    await expect(io.open('/d/b', 'read')).rejects.toMatchObject({ code: 'ENOENT', path: '/d/b', syscall: 'open' });
    await expect(io.open('/d/b', 'write')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(io.open('/d/a', 'create-new')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(io.open('/d', 'write')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(io.open('/d/a/b', 'create')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(io.open('/x/b', 'create')).rejects.toMatchObject({ code: 'ENOENT' });
    const reader = await io.open('/d/a', 'read');
    await expect(reader.write([text('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
    const again = await io.open('/d/a', 'create');
    expect(await again.size()).toBe(3);
  });

  test('knows what is where', async () => {
    const { io } = await withFile('');
    await io.makeDirectory('/d/sub');
    await io.makeDirectory('/d/sub');
    expect((await io.list('/d')).sort()).toEqual(['a', 'sub']);
    expect(await Promise.all(['/d/a', '/d/sub', '/d/b', '/d/a/b', '/x/y', '/'].map((path) => io.kind(path)))).toEqual([
      'file',
      'directory',
      undefined,
      undefined,
      undefined,
      'directory',
    ]);
    await expect(io.makeDirectory('/d/a')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(io.makeDirectory('/x/y')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(io.list('/d/a')).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(io.list('/x')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(io.remove('/d/sub')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(io.remove('/d/b')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(io.rename('/d/b', '/d/c')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(io.rename('/d/a', '/d/sub')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(io.rename('/d/sub', '/d/a')).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('open handles survive rename, replacement and removal; closed ones are gone', async () => {
    const { io, handle } = await withFile('abc');
    await io.rename('/d/a', '/d/b');
    await handle.write([text('x')], 0);
    expect(textOf(io, '/d/b')).toBe('xbc');
    await (await io.open('/d/c', 'create')).write([text('new')], 0);
    await io.rename('/d/c', '/d/b');
    expect(textOf(io, '/d/b')).toBe('new');
    await io.remove('/d/b');
    expect(io.files('/d')).toEqual([]);
    const into = new Uint8Array(3);
    expect(await handle.read(into, 0)).toBe(3);
    expect(Buffer.from(into).toString()).toBe('xbc');
    await handle.close();
    await expect(handle.read(into, 0)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(handle.close()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('locks exclude each other until they are released or the process ends', async () => {
    const io = disk();
    const lock = await io.lock('/d/lock');
    expect(lock).toBeDefined();
    expect(await io.lock('/d/lock')).toBeUndefined();
    await lock?.release();
    expect(await io.lock('/d/lock')).toBeDefined();
    expect(await io.killProcess().lock('/d/lock')).toBeDefined();
  });
});

describe('after a power cut', () => {
  test('what was synced is there in every mode', async () => {
    const { io, handle } = await withFile('durable');
    await handle.write([text('lost')], 100);
    for (const mode of POWER_CUT_MODES) {
      for (let seed = 0; seed < 20; seed++) {
        expect(textOf(io.clone().powerCut({ mode, seed }), '/d/a').slice(0, 7)).toBe('durable');
      }
    }
  });

  test('what was not synced is lost, kept, or there in part, as the mode says', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([text('bc')], 1);
    const outcome = (mode: 'all' | 'synced' | 'size-only' | 'data-only' | 'missing' | 'entries-lost'): string =>
      textOf(io.clone().powerCut({ mode }), '/d/a');
    expect(outcome('all')).toBe('abc');
    expect(outcome('entries-lost')).toBe('abc');
    expect(outcome('synced')).toBe('a');
    expect(outcome('data-only')).toBe('a');
    expect(outcome('missing')).toBe('a\0\0');
    expect(outcome('size-only')).toBe('a\0\0');
  });

  test('a kill of the process loses nothing, but makes nothing durable', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([text('b')], 1);
    const next = io.killProcess();
    expect(textOf(next, '/d/a')).toBe('ab');
    expect(textOf(next.powerCut({ mode: 'synced' }), '/d/a')).toBe('a');
  });

  test('an instance that is cut or killed is dead, and so are its handles', async () => {
    for (const end of [(io: LossyFileIo) => io.killProcess(), (io: LossyFileIo) => io.powerCut({ mode: 'all' })]) {
      const { io, handle } = await withFile('a');
      const next = end(io);
      await expect(handle.write([text('x')], 0)).rejects.toMatchObject({ code: 'EIO' });
      await expect(io.open('/d/a', 'read')).rejects.toMatchObject({ code: 'EIO' });
      expect(textOf(next, '/d/a')).toBe('a');
    }
  });

  test('a torn write ends at a sector, and a sector is never torn', async () => {
    const { io, handle } = await withFile('');
    await handle.truncate(2048);
    await handle.datasync();
    await handle.write([new Uint8Array(2048).fill(1)], 0);
    const lengths = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const bytes = io.clone().powerCut({ mode: 'torn', seed }).readFile('/d/a');
      lengths.add(bytes.lastIndexOf(1) + 1);
      expect(bytes.subarray(0, bytes.lastIndexOf(1) + 1).every((byte) => byte === 1)).toBe(true);
    }
    expect([...lengths].sort((a, b) => a - b)).toEqual([0, 512, 1024, 1536, 2048]);
  });

  test('pages reach the disk in any order, each as it was at some moment', async () => {
    const { io, handle } = await withFile('');
    await handle.truncate(3 * 4096);
    await handle.datasync();
    for (const value of [1, 2]) await handle.write([new Uint8Array(3 * 4096).fill(value)], 0);
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const bytes = io.clone().powerCut({ mode: 'reordered', seed }).readFile('/d/a');
      const pages = [0, 1, 2].map((page) => bytes.subarray(page * 4096, (page + 1) * 4096));
      for (const page of pages) expect(new Set(page).size).toBe(1);
      seen.add(pages.map((page) => page[0]).join(''));
    }
    expect(seen.size).toBe(27);
  });

  test('a file that grew may show what the disk held there before', async () => {
    const { io } = await withFile('s'.repeat(2000));
    await io.remove('/d/a');
    const handle = await io.open('/d/b', 'create');
    await handle.write([new Uint8Array(1024).fill(1)], 0);
    const contents = new Set<number | undefined>();
    for (let seed = 0; seed < 20; seed++)
      contents.add(io.clone().powerCut({ mode: 'size-only', seed }).readFile('/d/b')[700]);
    expect(contents).toEqual(new Set([0, 's'.charCodeAt(0)]));
  });

  test('a write is durable with a sync that is called after it has resolved, not with one called before', async () => {
    const { io, handle } = await withFile('a');
    await Promise.all([handle.write([text('x')], 0), handle.datasync()]);
    expect(textOf(io.clone().powerCut({ mode: 'synced' }), '/d/a')).toBe('a');
    await handle.datasync();
    expect(textOf(io.clone().powerCut({ mode: 'synced' }), '/d/a')).toBe('x');
  });

  test('a write of a handle with syncWrites is durable when it resolves', async () => {
    const { io } = await withFile('abc');
    const handle = await io.open('/d/a', 'write', { syncWrites: true });
    await handle.write([text('xyz1')], 0);
    expect(textOf(io.powerCut({ mode: 'synced' }), '/d/a')).toBe('xyz1');
  });

  test('and it alone: what was written otherwise stays as it was, on top of nothing newer', async () => {
    const { io, handle } = await withFile('0123456789');
    await handle.write([text('abcdefgh')], 0);
    const synced = await io.open('/d/a', 'write', { syncWrites: true });
    await synced.write([text('XY')], 3);
    await synced.write([text('Z')], 12);
    expect(textOf(io.clone().powerCut({ mode: 'synced' }), '/d/a')).toBe('012XY56789\0\0Z');
    expect(textOf(io.clone().powerCut({ mode: 'all' }), '/d/a')).toBe('abcXYfgh89\0\0Z');
    await handle.datasync();
    expect(textOf(io.powerCut({ mode: 'synced' }), '/d/a')).toBe('abcXYfgh89\0\0Z');
  });

  test('with the size as it is: what was cut off before does not come back', async () => {
    const { io, handle } = await withFile('0123456789');
    await handle.write([text('abcdefgh')], 0);
    await handle.truncate(4);
    const synced = await io.open('/d/a', 'write', { syncWrites: true });
    await synced.write([text('X')], 6);
    expect(textOf(io.clone().powerCut({ mode: 'synced' }), '/d/a')).toBe('0123\0\0X');
    expect(textOf(io.powerCut({ mode: 'all' }), '/d/a')).toBe('abcd\0\0X');
  });
});

describe('directories after a power cut', () => {
  test('a new file is there only if its directory was synced, however often it was synced itself', async () => {
    const io = disk();
    const handle = await io.open('/d/a', 'create');
    await handle.write([text('abc')], 0);
    await handle.datasync();
    expect(io.clone().powerCut({ mode: 'synced' }).files('/')).toEqual([]);
    expect(io.clone().powerCut({ mode: 'entries-lost' }).files('/')).toEqual([]);
    await io.syncDirectory('/d');
    expect(textOf(io.powerCut({ mode: 'synced' }), '/d/a')).toBe('abc');
  });

  test('an entry may be durable before the content is', async () => {
    const io = disk();
    await (await io.open('/d/a', 'create')).write([text('abc')], 0);
    await io.syncDirectory('/d');
    expect(textOf(io.powerCut({ mode: 'synced' }), '/d/a')).toBe('');
  });

  test('an unsynced rename shows the old name or the new one, never both or none', async () => {
    const { io } = await withFile('old');
    const fresh = await io.open('/d/tmp', 'create');
    await fresh.write([text('new')], 0);
    await fresh.datasync();
    await io.syncDirectory('/d');
    await io.rename('/d/tmp', '/d/a');
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const next = io.clone().powerCut({ mode: 'mixed', seed });
      outcomes.add(
        next
          .files('/d')
          .map((path) => `${path}=${textOf(next, path)}`)
          .join(' '),
      );
    }
    expect([...outcomes].sort()).toEqual(['/d/a=new', '/d/a=old /d/tmp=new']);
  });

  test('syncing one directory makes nothing durable in another', async () => {
    const io = new LossyFileIo({ directories: ['/d', '/e'] });
    await io.open('/d/a', 'create');
    await io.open('/e/b', 'create');
    await io.syncDirectory('/e');
    expect(io.clone().powerCut({ mode: 'synced' }).files('/')).toEqual(['/e/b']);
  });

  test('what lies below a directory goes with its entry', async () => {
    const io = disk();
    await io.makeDirectory('/d/sub');
    await io.open('/d/sub/a', 'create');
    await io.syncDirectory('/d/sub');
    expect(io.clone().powerCut({ mode: 'synced' }).files('/')).toEqual([]);
    await io.syncDirectory('/d');
    expect(io.powerCut({ mode: 'synced' }).files('/')).toEqual(['/d/sub/a']);
  });

  test('a removal that was not synced may be undone, with the content', async () => {
    const { io } = await withFile('abc');
    await io.remove('/d/a');
    expect(textOf(io.clone().powerCut({ mode: 'synced' }), '/d/a')).toBe('abc');
    await io.syncDirectory('/d');
    expect(io.powerCut({ mode: 'synced' }).files('/')).toEqual([]);
  });
});

describe('the ext4 model', () => {
  const ext4 = (): LossyFileIo => new LossyFileIo({ directories: ['/d', '/e'], model: 'ext4' });

  test('directory changes survive in their order, and any sync commits those before it', async () => {
    const io = ext4();
    for (const name of ['a', 'b', 'c']) await io.open(`/d/${name}`, 'create');
    const outcomes = new Set<string>();
    for (const { fileIo } of io.powerCutStates({ limit: 100, seed: 1 }).states) outcomes.add(fileIo.files('/').join());
    expect([...outcomes].sort()).toEqual(['', '/d/a', '/d/a,/d/b', '/d/a,/d/b,/d/c']);
    await io.syncDirectory('/e');
    expect(io.clone().powerCut({ mode: 'synced' }).files('/')).toEqual(['/d/a', '/d/b', '/d/c']);
  });

  test('a sync of a new file makes its entry durable, and no file grows beyond its data', async () => {
    const io = ext4();
    const handle = await io.open('/d/a', 'create');
    await handle.datasync();
    await handle.write([new Uint8Array(1024).fill(1)], 0);
    for (const { fileIo } of io.powerCutStates({ limit: 100, seed: 1 }).states) {
      expect(fileIo.readFile('/d/a').every((byte) => byte === 1)).toBe(true);
    }
  });
});

describe('enumerating the outcomes', () => {
  test('yields all where they are few, and harms nothing', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([text('b')], 0);
    await io.open('/d/new', 'create');
    const { total, exhaustive, states } = io.powerCutStates({ limit: 16, seed: 1 });
    expect({ total, exhaustive }).toEqual({ total: 4, exhaustive: true });
    const outcomes = [...states].map(({ fileIo }) => `${textOf(fileIo, '/d/a')} ${fileIo.files('/d').length}`);
    expect(outcomes.sort()).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
    expect(textOf(io, '/d/a')).toBe('b');
  });

  test('yields as many as asked for where they are too many, the same for the same seed', async () => {
    const { io, handle } = await withFile('a');
    for (let i = 0; i < 20; i++) await handle.write([new Uint8Array(5000).fill(i)], i * 3000);
    const found = io.powerCutStates({ limit: 50, seed: 7 });
    expect(found.exhaustive).toBe(false);
    expect(found.total).toBeGreaterThan(1e6);
    const contents = (): string[] =>
      [...found.states].map(({ fileIo }) => Buffer.from(fileIo.readFile('/d/a')).toString('latin1'));
    const first = contents();
    expect(first).toHaveLength(50);
    expect(new Set(first).size).toBeGreaterThan(30);
    expect(contents()).toEqual(first);
  });

  test('yields what grew without its data both with zeros and with what the disk held before', async () => {
    const { io } = await withFile('s'.repeat(2000));
    await io.remove('/d/a');
    await io.syncDirectory('/d');
    const handle = await io.open('/d/b', 'create');
    await io.syncDirectory('/d');
    await handle.write([text('new')], 0);
    const { total, exhaustive, states } = io.powerCutStates({ limit: 6, seed: 1 });
    const contents = [...states].map(({ fileIo }) => textOf(fileIo, '/d/b'));
    expect(new Set(contents)).toEqual(new Set(['', 'new', 'sss', '\0\0\0']));
    expect({ total, exhaustive }).toEqual({ total: contents.length, exhaustive: true });
  });

  test('nothing unsynced has one outcome', async () => {
    const { io } = await withFile('a');
    expect([...io.powerCutStates({ limit: 5, seed: 1 }).states].map(({ fileIo }) => textOf(fileIo, '/d/a'))).toEqual([
      'a',
    ]);
  });
});
