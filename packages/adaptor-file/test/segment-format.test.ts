import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeRecordHeader,
  decodeSegmentHeader,
  decodeTrailer,
  encodeRecordHeader,
  encodeSegmentHeader,
  encodeTrailer,
  MAX_KIT_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  type SegmentHeader,
  type Trailer,
  viewOf,
} from '../src/segment-format.ts';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u53 = fc.maxSafeNat();

const segmentHeader: fc.Arbitrary<SegmentHeader> = fc.record({
  id: u32,
  salt: u32,
  firstSequence: u53,
  firstSegment: u32,
  highKey: u53,
  cuts: u32,
  previousLowestCut: u53,
  repair: fc.boolean(),
  kitHeader: fc.option(fc.uint8Array({ minLength: 1, maxLength: MAX_KIT_HEADER_BYTES }), { nil: undefined }),
});

const recordHeader: fc.Arbitrary<RecordHeader> = fc.record({
  id: u32,
  salt: u32,
  offset: u32,
  sequence: u53,
  syncedSequence: u53,
  removeFrom: fc.option(u53, { nil: undefined }),
  removeThrough: fc.option(u53, { nil: undefined }),
  highKeyBefore: u53,
  highKeyAfter: u53,
  cuts: u32,
  lowestCut: u53,
  firstSegment: u32,
  bodyBytes: u32,
  bodyCrc: u32,
  blockCount: u32,
  kitHeaderBytes: fc.integer({ min: 0, max: MAX_KIT_HEADER_BYTES }),
});

const trailer: fc.Arbitrary<Trailer> = fc.record({
  id: u32,
  salt: u32,
  salvaged: fc.boolean(),
  lastSequence: u53,
  lowKey: u53,
  highKey: u53,
  lowestCut: u53,
  highestRemoveThrough: u53,
  cuts: u32,
  end: u32,
  runCount: u32,
  runsOffset: u32,
  runsCrc: u32,
});

function encodedRecord(header: RecordHeader): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  encodeRecordHeader(viewOf(bytes), bytes, header);
  return bytes;
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at % bytes.byteLength] = (copy[at % bytes.byteLength] ?? 0) ^ (1 << bit);
  return copy;
}

const bit = fc.integer({ min: 0, max: 7 });

test('headers and trailers come back as they were', () => {
  fc.assert(
    fc.property(segmentHeader, recordHeader, trailer, (segment, record, value) => {
      expect(decodeSegmentHeader(encodeSegmentHeader(segment))).toEqual(segment);
      expect(decodeRecordHeader(viewOf(encodedRecord(record)), 0, record, record.offset)).toEqual(record);
      expect(decodeTrailer(encodeTrailer(value), value)).toEqual(value);
    }),
  );
});

test('one bit of difference is noticed', () => {
  fc.assert(
    fc.property(segmentHeader, fc.nat(4095), bit, (header, at, which) => {
      expect(decodeSegmentHeader(flipped(encodeSegmentHeader(header), at, which))).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(recordHeader, fc.nat(RECORD_HEADER_BYTES - 1), bit, (header, at, which) => {
      expect(
        decodeRecordHeader(viewOf(flipped(encodedRecord(header), at, which)), 0, header, header.offset),
      ).toBeUndefined();
    }),
  );
  fc.assert(
    fc.property(trailer, fc.nat(79), bit, (value, at, which) => {
      expect(decodeTrailer(flipped(encodeTrailer(value), at, which), value)).toBeUndefined();
    }),
  );
});

test('a record or footer of another life of the file is none', () => {
  fc.assert(
    fc.property(recordHeader, trailer, fc.integer({ min: 1, max: 1000 }), (header, value, other) => {
      const bytes = viewOf(encodedRecord(header));
      expect(decodeRecordHeader(bytes, 0, { ...header, id: header.id + other }, header.offset)).toBeUndefined();
      expect(decodeRecordHeader(bytes, 0, { ...header, salt: header.salt + other }, header.offset)).toBeUndefined();
      expect(decodeRecordHeader(bytes, 0, header, header.offset + other)).toBeUndefined();
      expect(decodeTrailer(encodeTrailer(value), { ...value, id: value.id + other })).toBeUndefined();
      expect(decodeTrailer(encodeTrailer(value), { ...value, salt: value.salt + other })).toBeUndefined();
    }),
  );
});
