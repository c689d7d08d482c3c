import { describe, expect, test } from 'vitest';
import { disk, text, textOf, withFile } from './support/lossy-disk.ts';

describe('injected faults', () => {
  test('a failed datasync loses what it should have written, though the page cache shows it and a second one succeeds', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([text('bc')], 1);
    io.failAt(1, 'EIO', { operations: ['datasync'] });
    await expect(handle.datasync()).rejects.toMatchObject({ code: 'EIO', syscall: 'fdatasync' });
    await handle.datasync();
    expect(textOf(io, '/d/a')).toBe('abc');
    expect(textOf(io.clone().powerCut({ mode: 'all' }), '/d/a')).toBe('a');
    const next = io.killProcess();
    expect(textOf(next, '/d/a')).toBe('abc');
    const again = await next.open('/d/a', 'write');
    await again.write([text('bc')], 1);
    await again.datasync();
    expect(textOf(next.powerCut({ mode: 'synced' }), '/d/a')).toBe('abc');
  });

  test('a full device takes a part of a write; how much is a choice', async () => {
    const written: string[] = [];
    for (const lands of ['none', undefined, 'whole'] as const) {
      const { io, handle } = await withFile('');
      io.failAt(1, 'ENOSPC', lands === undefined ? {} : { lands });
      await expect(handle.write([text('abcd')], 0)).rejects.toMatchObject({ code: 'ENOSPC' });
      written.push(textOf(io, '/d/a'));
    }
    expect(written).toEqual(['', 'ab', 'abcd']);
  });

  test('fails exactly the call that was chosen, by number, operation and path', async () => {
    const io = disk();
    io.failAt(2, 'EMFILE');
    await io.open('/d/a', 'create');
    await expect(io.open('/d/b', 'create')).rejects.toMatchObject({ code: 'EMFILE' });
    expect(await io.kind('/d/b')).toBeUndefined();
    io.failAt(2, 'EACCES', { operations: ['rename'], path: '/d/x' });
    for (const name of ['x', 'y', 'x']) await io.open(`/d/${name}`, 'create');
    await io.rename('/d/y', '/d/z');
    await io.rename('/d/x', '/d/x2');
    await expect(io.rename('/d/x2', '/d/q')).rejects.toMatchObject({ code: 'EACCES' });
    await io.rename('/d/x2', '/d/q');
  });

  test('can go on failing until it is healed', async () => {
    const io = disk();
    io.failAt(2, 'EROFS', { operations: ['open'], forever: true });
    await io.open('/d/a', 'create');
    for (let i = 0; i < 3; i++) await expect(io.open('/d/b', 'create')).rejects.toMatchObject({ code: 'EROFS' });
    io.healAll();
    await io.open('/d/b', 'create');
  });

  test('counts and names the calls, and shows the state before each', async () => {
    const io = disk();
    const states: string[] = [];
    io.onCall = (call) => states.push(`${call.number} ${call.operation}: ${io.clone().files('/d').length}`);
    const handle = await io.open('/d/a', 'create', { syncWrites: true });
    await handle.write([text('a')], 0);
    await handle.close();
    expect(io.trace.map(({ operation, path }) => `${operation} ${path}`)).toEqual([
      'open /d/a',
      'write /d/a',
      'datasync /d/a',
      'close /d/a',
    ]);
    expect(io.calls).toBe(4);
    expect(states).toEqual(['1 open: 0', '2 write: 1', '3 datasync: 1', '4 close: 1']);
  });
});

describe('what a failed sync forgot', () => {
  test('comes back with its page when anything in the page is written again', async () => {
    const { io, handle } = await withFile('');
    await handle.write([new Uint8Array(3 * 4096).fill(1)], 0);
    io.failAt(1, 'EIO', { operations: ['datasync'] });
    await expect(handle.datasync()).rejects.toMatchObject({ code: 'EIO' });
    await handle.write([new Uint8Array(1).fill(2)], 5000);
    await handle.datasync();
    const bytes = io.powerCut({ mode: 'synced' }).readFile('/d/a');
    expect([bytes[0], bytes[4095], bytes[4096], bytes[5000], bytes[8191]]).toEqual([0, 0, 1, 2, 1]);
    expect(bytes.length).toBe(8192);
  });

  test('never comes back where the file has been cut since', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([new Uint8Array(4096).fill(1)], 0);
    await handle.truncate(10);
    io.failAt(1, 'EIO', { operations: ['datasync'] });
    await expect(handle.datasync()).rejects.toMatchObject({ code: 'EIO' });
    await handle.write([text('x')], 20);
    await handle.datasync();
    const bytes = io.powerCut({ mode: 'synced' }).readFile('/d/a');
    expect([...bytes]).toEqual([...new Uint8Array(10).fill(1), ...new Uint8Array(10), 'x'.charCodeAt(0)]);
  });

  test('nor where it is cut afterwards', async () => {
    const { io, handle } = await withFile('a');
    await handle.write([new Uint8Array(4096).fill(1)], 0);
    io.failAt(1, 'EIO', { operations: ['datasync'] });
    await expect(handle.datasync()).rejects.toMatchObject({ code: 'EIO' });
    await handle.truncate(0);
    await handle.write([text('x')], 0);
    await handle.datasync();
    expect(textOf(io.powerCut({ mode: 'synced' }), '/d/a')).toBe('x');
  });

  test('a directory that could not be synced is not durable by a second sync, but with the next change of it', async () => {
    const io = disk();
    await io.open('/d/a', 'create');
    io.failAt(1, 'EIO', { operations: ['syncDirectory'] });
    await expect(io.syncDirectory('/d')).rejects.toMatchObject({ code: 'EIO' });
    await io.syncDirectory('/d');
    expect(await io.list('/d')).toEqual(['a']);
    expect(io.clone().powerCut({ mode: 'all' }).files('/')).toEqual([]);
    const changed = io.clone();
    await changed.open('/d/b', 'create');
    await changed.syncDirectory('/d');
    expect(changed.powerCut({ mode: 'synced' }).files('/')).toEqual(['/d/a', '/d/b']);
    io.healAll();
    await io.syncDirectory('/d');
    expect(io.powerCut({ mode: 'synced' }).files('/')).toEqual(['/d/a']);
  });
});
