import { isStorageError, StorageError } from '@raftlog/core';
import { expect, test } from 'vitest';
import { toStorageError } from '../src/io/io-errors.ts';

test.each([
  ['ENOSPC', 'NO_SPACE'],
  ['EDQUOT', 'NO_SPACE'],
  ['EFBIG', 'NO_SPACE'],
  ['EACCES', 'PERMISSION_DENIED'],
  ['EPERM', 'PERMISSION_DENIED'],
  ['EROFS', 'PERMISSION_DENIED'],
  ['ENOTDIR', 'FOREIGN_DIRECTORY'],
  ['EIO', 'STORE_FAILED'],
  ['EMFILE', 'STORE_FAILED'],
])('%s becomes %s, with its cause and advice', (systemCode, code) => {
  const cause = Object.assign(new Error(`${systemCode}: it failed`), { code: systemCode });
  const error = toStorageError(cause, 'write the log', '/data/log');
  expect(isStorageError(error)).toBe(true);
  expect(error.code).toBe(code);
  expect(error.cause).toBe(cause);
  expect(error.message).toMatch(/write the log at \/data\/log.*it failed\. .+\.$/);
});

test('a StorageError passes through, anything else is kept as cause', () => {
  const error = new StorageError('CLOSED', 'closed', {});
  expect(toStorageError(error, 'write')).toBe(error);
  expect(toStorageError('odd', 'write')).toMatchObject({
    code: 'STORE_FAILED',
    cause: 'odd',
    details: { operation: 'write' },
  });
  expect(toStorageError(undefined, 'write').code).toBe('STORE_FAILED');
});
