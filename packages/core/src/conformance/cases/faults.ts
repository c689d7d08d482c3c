import type { ConformanceCase } from '../case.ts';
import { ioFaultCases } from './io-faults.ts';
import { powerCutCases } from './power-cuts.ts';

/** Area H, and the power-cut cases of the other areas. */
export const faultCases: readonly ConformanceCase[] = [...ioFaultCases, ...powerCutCases];
