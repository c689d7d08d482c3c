import { describe, expect, it } from 'vitest';
import { splitLines } from '../src/input-lines.ts';

describe('splitLines', () => {
  it.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a\n']],
    ['a\nb', ['a\n', 'b']],
    ['\n\n', ['\n', '\n']],
    ['a\r\n\r\nb\r', ['a\r\n', '\r\n', 'b\r']],
  ])('cuts %j after each line feed and drops nothing', (input, expected) => {
    expect(splitLines(Buffer.from(input)).map((line) => Buffer.from(line).toString())).toEqual(expected);
  });

  it('cuts lines that are too long for one command', () => {
    expect(splitLines(Buffer.from('abcdefg\nh'), 3).map((line) => line.byteLength)).toEqual([3, 3, 2, 1]);
    expect(splitLines(Buffer.from('abc\nd'), 4).map((line) => line.byteLength)).toEqual([4, 1]);
  });
});
