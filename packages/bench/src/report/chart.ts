import type { ContenderName } from '../contenders/names.ts';

/** What is drawn: data only, for the script in the page (`report/draw.js`) to draw. */
export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly kind: 'line' | 'bar';
  readonly xTitle: string;
  readonly yTitle: string;
  readonly logarithmic: boolean;
  readonly labels: readonly string[];
  /** Where the labels stand on an axis of numbers; without it they are words in a row. */
  readonly x?: { readonly scale: 'linear' | 'logarithmic'; readonly values: readonly number[] };
  readonly series: readonly ChartSeries[];
  /** A line to stay below. */
  readonly bound?: number;
}

interface ChartSeries {
  readonly label: string;
  /** Decides the colour: the same contender looks the same in all charts. */
  readonly contender: ContenderName;
  /** Tells series of one contender apart; 0 is the plain look. */
  readonly variant: number;
  /** One for each label; null: not measured. */
  readonly values: readonly (number | null)[];
}
